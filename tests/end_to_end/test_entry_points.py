"""Other entry points: health and documentation, command line, Serve handle, folders."""

from __future__ import annotations

import json
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest

from serve_app.client import Client
from tests.command_lines import arguments_of
from tests.pdf_builder.papers import make_paper
from tests.programs import Driver
from tests.service import RunningService, run_program

QUESTION = "How does a stale worker lose its right to write?"


def test_service_serves_health_metrics_and_documentation(http: httpx.Client) -> None:
    assert http.get("/livez").json()["status"] == "alive"
    ready = http.get("/readyz")
    assert ready.status_code == 200
    assert set(ready.json()["checks"].values()) == {"ok"}
    metrics = http.get("/metrics")
    assert metrics.headers["content-type"].startswith("text/plain")
    assert "# TYPE " in metrics.text
    document = http.get("/openapi.json").json()
    assert "/api/v1/upload-async" in document["paths"]
    assert http.get("/docs").headers["content-type"].startswith("text/html")


def test_service_listens_on_loopback_only(service: RunningService) -> None:
    sockets = service.listening_sockets()
    assert service.port in {port for _, port, _ in sockets}
    public = [
        socket
        for socket in sockets
        if not ip_address(socket[0].removeprefix("::ffff:")).is_loopback
    ]
    assert public == []


def test_cli_uploads_searches_and_deletes(
    service: RunningService, samples: dict[str, Path], collection: str, tmp_path: Path
) -> None:
    environment = {"PAPERWORKS_HOME": str(service.home), "NO_COLOR": "1"}

    def paperworks(*arguments: str | Path) -> str:
        done = run_program("paperworks", *arguments, environment=environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    paper = samples["durable-leases"]
    assert ": completed" in paperworks("upload", paper, "--collection", collection)
    [document] = json.loads(paperworks("documents", "--collection", collection, "--json"))["items"]
    assert document["document_id"] in paperworks("documents", document["document_id"])
    found = paperworks("search", QUESTION, "--collection", collection)
    assert "Durable Leases" in found and "page" in found
    assert "completed" in paperworks("jobs", "--collection", collection)
    copy = tmp_path / "copy.pdf"
    paperworks("documents", "download", document["document_id"], "--output", copy)
    assert copy.read_bytes() == paper.read_bytes()
    paperworks("documents", "delete", document["document_id"])
    assert "No papers" in paperworks("documents", "--collection", collection)
    checkup = json.loads(paperworks("doctor", "--repair", "--json"))
    assert all(finding["ok"] for finding in checkup["findings"])


def test_cli_reports_errors_without_traceback(service: RunningService, tmp_path: Path) -> None:
    environment = {"PAPERWORKS_HOME": str(service.home)}
    text = tmp_path / "text.pdf"
    text.write_text("not a PDF")
    refused = run_program("paperworks", "upload", text, environment=environment)
    assert refused.returncode == 1 and "not_a_pdf" in refused.stderr
    unreachable = run_program("paperworks", "jobs", "--url", "http://127.0.0.1:9")
    assert unreachable.returncode == 1 and "Traceback" not in unreachable.stderr


def test_serve_handle_submits_and_searches(
    library: Client, driver: Driver, samples: dict[str, Path], collection: str
) -> None:
    paths = [str(path) for path in samples.values()]
    job = library.wait(driver.call("submit", paths=paths, collection=collection), 120)
    assert job.status == "completed" and job.counts.completed == len(paths)
    answer = driver.call("search", query=QUESTION, collection=collection)
    assert answer["hits"][0]["title"].startswith("Durable Leases")
    assert answer["hits"][0]["boxes"]


@pytest.fixture
def folder(tmp_path: Path, collection: str) -> Path:
    """A folder with three papers, one of them in a subfolder, and a text file."""
    (tmp_path / "more").mkdir()
    for name in ("a.pdf", "b.PDF", "more/c.pdf"):
        (tmp_path / name).write_bytes(make_paper(f"Paper {name} of {collection}"))
    (tmp_path / "readme.txt").write_text("not a paper")
    return tmp_path


def test_client_and_command_upload_a_folder_once(
    service: RunningService, library: Client, folder: Path, collection: str
) -> None:
    (folder / "gone.pdf").symlink_to(folder / "missing.pdf")
    sent = library.upload_folder(folder, collection)
    assert [(file.filename, file.code) for file in sent.refused] == [("gone.pdf", "refused_upload")]
    assert [library.wait(job_id, 120).status for job_id in sent.job_ids] == ["completed"]
    listed = library.documents(collection=collection).items
    assert {document.filename for document in listed} == {"a.pdf", "b.PDF", "more/c.pdf"}
    again = run_program(
        *("paperworks", "upload", folder, "--collection", collection, "--json"),
        *("--url", service.url),
    )
    printed = json.loads(again.stdout)
    assert (again.returncode, printed["refused"]) == (1, [sent.refused[0].model_dump()])
    assert {file["duplicate_of"] for file in printed["accepted"]} == {
        document.document_id for document in listed
    }
    assert library.documents(collection=collection).items == listed


def test_bulk_processes_each_file_once(
    service: RunningService, library: Client, folder: Path, collection: str
) -> None:
    submit = ["ray", "job", "submit", "--address", service.service_info["dashboard_url"]]
    bulk = ["python", "-m", "serve_app.bulk", folder, "--collection", collection]
    first = run_program(
        *submit, "--working-dir", ".", "--", *bulk, environment=service.cluster_environment
    )
    assert first.returncode == 0, first.stdout + first.stderr
    assert "3 searchable, 0 failed" in first.stdout
    papers = library.documents(collection=collection).items
    assert {paper.filename for paper in papers} == {"a.pdf", "b.PDF", "more/c.pdf"}
    assert_only_code_was_uploaded(service)

    (folder / "new.pdf").write_bytes(make_paper(f"A new paper of {collection}"))
    environment = {"PAPERWORKS_HOME": str(service.home)}
    (folder / "gone.pdf").symlink_to(folder / "nowhere")
    command = ["paperworks", "bulk", folder, "--collection", collection, "--json"]
    second = run_program(*command, environment=environment)
    assert second.returncode == 1, second.stdout + second.stderr
    assert "4 searchable, 0 failed" in second.stderr
    result = json.loads(second.stdout)
    assert [result[name] for name in ("new", "known", "refused_files")] == [1, 3, 1]
    assert [one["filename"] for one in result["refused"]] == ["gone.pdf"]
    assert [job["counts"]["completed"] for job in result["jobs"]] == [4]
    after = {paper.document_id: paper for paper in library.documents(collection=collection).items}
    assert len(after) == 4
    assert all(after[paper.document_id] == paper for paper in papers)
    newest = library.jobs(collection=collection).items[0]
    tasks = library.job(newest.job_id).tasks
    assert {task.filename for task in tasks if task.attempt} == {"new.pdf"}


def assert_only_code_was_uploaded(service: RunningService) -> None:
    """Asserts that `--working-dir .` uploads the code to the cluster, without `var` and `.venv`."""
    session = next(
        argument.split("=", 1)[1]
        for process in service.descendants.values()
        for argument in arguments_of(process)
        if argument.startswith("--session-dir=")
    )
    [uploaded] = [
        package
        for package in Path(session, "runtime_resources/working_dir_files").iterdir()
        if package.is_dir()
    ]
    names = {path.name for path in uploaded.iterdir()}
    assert {"pipelines", "stores", "domain"} <= names
    assert not names & {"var", ".venv", ".git", ".hypothesis", "__pycache__"}


def test_bulk_of_folder_without_pdfs_exits_with_code_2(
    service: RunningService, tmp_path: Path, collection: str
) -> None:
    environment = {"PAPERWORKS_HOME": str(service.home)}
    command = ["paperworks", "bulk", tmp_path, "--collection", collection]
    done = run_program(*command, environment=environment)
    assert done.returncode == 2
    assert "No PDF" in done.stderr and "Traceback" not in done.stderr


def test_interactive_upload_precedes_bulk_folder(
    library: Client,
    driver: Driver,
    small_papers: list[Path],
    samples: dict[str, Path],
    collection: str,
) -> None:
    folder = driver.call(
        "submit", paths=[str(path) for path in small_papers], collection=collection
    )
    while not library.job(folder).counts.completed:
        pass
    single = library.upload(samples["reading-order"], collection)
    assert library.wait(single.job_id, 120).status == "completed"
    meanwhile = library.job(folder)
    assert meanwhile.counts.completed < len(small_papers), (
        "the folder was completed before the single paper"
    )
    assert library.wait(folder, 240).status == "completed"
