"""The command line against the real API: output and exit codes."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import subprocess
import sys
import uuid
from contextlib import suppress
from pathlib import Path

import pytest
import typer

from domain.jobs import Step, TaskStatus
from serve_app.cli.common import complete_collection, printable
from serve_app.cli.jobs import job_line
from serve_app.cli.progress import ProgressDisplay, show_progress, task_line
from serve_app.client import Client
from serve_app.process.address import service_url
from serve_app.schemas.core import Counts, JobSummary, Task
from tests.unit.serve_app.commands import leaf_commands, run
from tests.unit.serve_app.library import Library, pdf
from tests.unit.serve_app.paper_fixtures import add_paper


def paper(folder: Path, name: str) -> Path:
    path = folder / name
    path.write_bytes(pdf(name))
    return path


def test_cli_upload_follows_job_until_completed(paperworks, tmp_path: Path) -> None:
    result = paperworks("upload", paper(tmp_path, "a.pdf"), "--collection", "physics")
    assert result.exit_code == 0, result.output
    assert "a.pdf: accepted as doc_" in result.stdout
    assert "a.pdf: completed, 1 page, 1 chunk" in result.stdout
    again = paperworks("upload", paper(tmp_path, "a.pdf"), "-c", "physics")
    assert "already in the library" in again.stdout
    assert again.exit_code == 0


def test_cli_upload_no_wait_prints_job_id(paperworks, tmp_path: Path) -> None:
    result = paperworks("upload", paper(tmp_path, "a.pdf"), "--no-wait")
    assert result.exit_code == 0
    assert "completed" not in result.stdout
    job_id = next(word for word in result.stdout.split() if word.startswith("job_")).strip(":")
    watched = paperworks("jobs", job_id, "--watch")
    assert watched.exit_code == 0
    assert "completed" in watched.stdout


def test_cli_upload_of_folder_sends_only_pdfs(paperworks, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "notes.txt").write_text("no paper")
    paper(tmp_path, "a.pdf")
    paper(tmp_path / "deep", "b.PDF")
    result = paperworks("upload", tmp_path)
    assert result.exit_code == 0, result.output
    assert "completed: 2 completed of 2 papers" in result.stdout


def test_cli_upload_of_folder_reports_files_that_cannot_be_read(paperworks, tmp_path: Path) -> None:
    (tmp_path / "deep.pdf").mkdir()
    paper(tmp_path / "deep.pdf", "b.pdf")
    (tmp_path / "gone.pdf").symlink_to(tmp_path / "nowhere")
    has_latin_1 = False
    with suppress(OSError):  # this file system takes UTF-8 names only
        (tmp_path / os.fsdecode(b"caf\xe9.pdf")).write_bytes(pdf("caf"))
        has_latin_1 = True
    os.mkfifo(tmp_path / "pipe.pdf")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)
    result = paperworks("upload", tmp_path)
    assert result.exit_code == 1 and not isinstance(result.exception, OSError)
    assert "gone.pdf: refused (" in result.stderr
    assert "The file cannot be read: No such file" in result.stderr
    assert "pipe.pdf: refused (" in result.stderr and "It is no regular file" in result.stderr
    assert os.access(closed, os.R_OK) or "closed: refused (" in result.stderr  # root may read it
    assert not has_latin_1 or re.search(r"caf.\.pdf: completed", result.stdout)
    assert "b.pdf: completed" in result.stdout


def test_cli_upload_reports_known_papers_and_prints_json(paperworks, tmp_path: Path) -> None:
    folder = tmp_path / "papers"
    folder.mkdir()
    first, second = paper(folder, "a.pdf"), paper(folder, "b.pdf")
    paperworks("upload", first)
    totals = paperworks("upload", folder).stdout
    assert "2 files: 1 new, 1 already in the library, 0 refused" in totals
    result = paperworks("upload", second, "--json")
    printed = json.loads(result.stdout)
    assert (result.exit_code, printed["collection"], printed["refused"]) == (0, "default", [])
    assert [job["status"] for job in printed["jobs"]] == ["completed"]
    assert printed["accepted"][0]["duplicate_of"]


def test_cli_completes_names_of_collections(paperworks, tmp_path: Path, monkeypatch) -> None:
    paperworks("upload", paper(tmp_path, "a.pdf"), "-c", "physics")
    assert complete_collection("ph") == ["physics"]
    assert complete_collection("q") == []
    monkeypatch.setenv("PAPERWORKS_URL", "http://127.0.0.1:9")
    assert complete_collection("ph") == []


def test_cli_collections_prints_json(paperworks) -> None:
    assert json.loads(paperworks("collections", "create", "empty", "--json").stdout)["name"]
    listed = json.loads(paperworks("collections", "--json").stdout)
    assert [one["name"] for one in listed["items"]] == ["empty"]


def test_cli_moves_papers(paperworks, tmp_path: Path) -> None:
    paperworks("upload", paper(tmp_path, "a.pdf"))
    [document] = json.loads(paperworks("documents", "--json").stdout)["items"]
    moved = paperworks("documents", "move", document["document_id"], "--to", "physics")
    assert moved.exit_code == 0 and "moved to physics as doc_" in moved.stdout
    again = paperworks("documents", "move", document["document_id"], "--to", "physics")
    assert again.exit_code == 1 and "There is no document" in again.stderr


def test_cli_opens_pages_in_the_browser(paperworks, url: str, monkeypatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(typer, "launch", lambda address: opened.append(address) or 0)
    assert paperworks("open").exit_code == 0
    assert json.loads(paperworks("open", "jobs", "--json").stdout) == {"url": f"{url}/jobs"}
    assert paperworks("open", "-q", "a b&c").stdout.strip() == f"{url}/search?q=a+b%26c"
    assert opened == [f"{url}/", f"{url}/jobs", f"{url}/search?q=a+b%26c"]
    monkeypatch.setattr(typer, "launch", lambda _address: 1)
    assert paperworks("open").exit_code == 1


def test_cli_upload_refused_file_sets_exit_code_and_keeps_others(
    paperworks, tmp_path: Path
) -> None:
    text = tmp_path / "text.pdf"
    text.write_text("no PDF at all")
    result = paperworks("upload", text, paper(tmp_path, "a.pdf"))
    assert result.exit_code == 1
    assert "text.pdf: refused (not_a_pdf)" in result.stderr
    assert "a.pdf: completed" in result.stdout
    result = paperworks("upload", text)
    assert result.exit_code == 1
    assert "refused (not_a_pdf)" in result.stderr


def test_cli_upload_prints_reason_of_failed_paper(paperworks, tmp_path: Path) -> None:
    result = paperworks("upload", paper(tmp_path, "bad.pdf"))
    assert result.exit_code == 1
    assert "bad.pdf: failed (no_text): No page has text." in result.stdout
    assert paperworks("jobs", "--watch").exit_code == 0  # no job is open


def test_cli_usage_error_exits_with_code_2(paperworks, tmp_path: Path) -> None:
    assert paperworks("upload", tmp_path / "missing.pdf").exit_code == 2
    assert paperworks("upload", tmp_path).exit_code == 2
    assert paperworks("search").exit_code == 2
    assert paperworks("search", "a", "--limit", "0").exit_code == 2
    assert paperworks("nonsense").exit_code == 2


def test_cli_search_prints_title_page_and_text(paperworks, tmp_path: Path) -> None:
    paperworks("upload", paper(tmp_path, "ions.pdf"))
    result = paperworks("search", "passage ions")
    assert result.exit_code == 0
    assert "1. On ions.pdf · page 1, Introduction" in result.stdout
    assert "A passage of ions.pdf" in result.stdout
    assert "\x1b[" not in result.stdout
    response = json.loads(paperworks("search", "passage", "--json", "--by-document").stdout)
    assert response["hits"][0]["text"] == "A passage of ions.pdf"
    filtered = json.loads(paperworks("search", "x", "--document", f"doc_{0:024}", "--json").stdout)
    assert filtered["hits"] == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["search", " "], "query is empty"),
        (["search", "x", "--mode", "magic"], "mode"),
        (["search", "x", "-c", "nowhere"], "There is no collection 'nowhere'"),
        (["jobs", "job_none"], "There is no job job_none"),
        (["documents", "doc_none"], "There is no document doc_none"),
        (["documents", "delete", "doc_none"], "There is no document doc_none"),
        (["documents", "export", "doc_none"], "There is no document doc_none"),
        (["documents", "export", f"doc_{0:024}", "-f", "docx"], "format"),
        (["collections", "export", "nowhere"], "There is no collection 'nowhere'"),
        (["jobs", "--status", "odd"], "status"),
    ],
)
def test_cli_problem_is_one_line_and_exit_code_1(
    paperworks, arguments: list[str], words: str
) -> None:
    result = paperworks(*arguments)
    assert result.exit_code == 1
    assert words in result.stderr
    assert "Traceback" not in result.output
    assert result.stderr.count("\n") == 1


def test_cli_lists_and_shows_jobs_and_documents(paperworks, tmp_path: Path) -> None:
    assert "No jobs" in paperworks("jobs").stdout
    assert "No papers" in paperworks("documents").stdout
    paperworks("upload", paper(tmp_path, "a.pdf"))
    assert "1 of 1 paper, 1 page, 1 chunk" in paperworks("jobs").stdout
    listed = paperworks("documents").stdout
    assert "On a.pdf" in listed
    assert paperworks("documents", "--order", "author").stdout == listed
    assert paperworks("documents", "--order", "state").stdout == listed
    document_id = listed.split()[0]
    assert "sha256" in paperworks("documents", document_id).stdout
    assert json.loads(paperworks("documents", "show", document_id, "--json").stdout)["pages"] == 1
    target = tmp_path / "copy.pdf"
    assert paperworks("documents", "download", document_id, "-o", target).exit_code == 0
    assert target.read_bytes() == pdf("a.pdf")
    assert "deleted" in paperworks("documents", "delete", document_id).stdout
    assert paperworks("documents", document_id).exit_code == 1
    assert "default: deleted" in paperworks("collections", "delete", "default", "--yes").stdout
    assert "No collections" in paperworks("collections").stdout
    assert paperworks("collections", "delete", "default", "-y").exit_code == 1


def test_cli_documents_show_prints_paper_contents(paperworks, library: Library) -> None:
    document_id = asyncio.run(add_paper(library, needs_review=True))
    shown = paperworks("documents", document_id).stdout
    for words in (
        "Notes on the Engine",
        "Ada Lovelace, The Engine Group",
        "1843, doi 10.1000/notes, arXiv 1843.00001, language en",
        "Keywords: engines, weaving",
        "1 chunk, 2 sections, 1 table, 1 figure, 2 references, version 1",
        "The engine weaves patterns.",
        "  1 Looms · page 1\n",
        "Quality: needs review",
        "- no authors found",
        "OCR: page 2",
    ):
        assert words in shown, words
    assert document_id in paperworks("documents", "--needs-review").stdout


def test_cli_documents_show_distinguishes_not_extracted_from_none(
    paperworks, library: Library
) -> None:
    document_id = asyncio.run(add_paper(library, tables=None, figures=None, quality={}))
    shown = paperworks("documents", document_id).stdout
    assert "tables not extracted yet, figures not extracted yet" in shown
    assert "Quality" not in shown
    assert "No papers match the filters." in paperworks("documents", "--needs-review").stdout


def test_cli_corrects_metadata_and_filters_by_it(paperworks, library: Library) -> None:
    document_id = asyncio.run(add_paper(library))
    corrected = paperworks(
        *("documents", "correct", document_id, "--title", "On looms", "--year", "1850"),
        *("--author", "Grace Hopper", "--author", "Ada Lovelace"),
    )
    assert corrected.exit_code == 0 and "On looms" in corrected.stdout
    assert document_id in paperworks("documents", "--text", "hopper looms", "--from", "1850").stdout
    assert document_id not in paperworks("documents", "--text", "looms", "--to", "1849").stdout
    restored = paperworks("documents", "correct", document_id, "--restore", "title")
    assert "On looms" not in restored.stdout
    unknown = paperworks("documents", "correct", document_id, "--restore", "abstract")
    assert unknown.exit_code == 1 and "abstract" in unknown.stderr


def test_cli_exports_papers_and_collections(paperworks, library: Library, tmp_path: Path) -> None:
    document_id = asyncio.run(add_paper(library))
    assert paperworks("documents", "export", document_id).stdout.startswith(
        "# Notes on the Engine\n"
    )
    item = json.loads(paperworks("documents", "export", document_id, "--format", "csl").stdout)[0]
    assert item["DOI"] == "10.1000/notes"
    target = tmp_path / "engine.json"
    assert paperworks("documents", "export", document_id, "-f", "json", "-o", target).exit_code == 0
    assert json.loads(target.read_text())["document"]["document_id"] == document_id
    assert paperworks("collections").stdout.startswith("default  1 paper, ")
    whole = paperworks("collections", "export", "default").stdout
    assert whole == paperworks("documents", "export", document_id, "-f", "bibtex").stdout
    assert whole == paperworks("export").stdout == paperworks("export", document_id).stdout
    assert paperworks("export", "default", "-f", "ris").stdout.startswith("TY  - ")
    twice = json.loads(paperworks("export", "default", document_id, "--json").stdout)
    assert [one["title"] for one in twice] == [item["title"]]
    assert whole.startswith("@misc{lovelace1843notes,")


def test_cli_unreachable_service_is_one_line_and_exit_code_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PAPERWORKS_URL", raising=False)
    (tmp_path / "service.json").write_text('{"url": "http://127.0.0.1:9"}')
    result = run("jobs", "--home", tmp_path)
    assert result.exit_code == 1
    assert "No service answers at http://127.0.0.1:9" in result.stderr
    assert "paperworks up" in result.stderr


def test_bar_display_shows_papers_of_small_and_total_of_large_job(url: str) -> None:
    with Client(url) as library, ProgressDisplay(shows_bars=True) as bars:
        accepted = library.upload_many([pdf("a"), pdf("bad")])
        show_progress(bars, library.wait(accepted.job_id, 20))
        texts = [task.fields["text"] for task in bars.tasks]
        assert texts == ["completed, 1/1 pages, 1 chunk"] * 2
        job = library.job(accepted.job_id)
        large_job = job.model_copy(update={"counts": job.counts.model_copy(update={"total": 40})})
        show_progress(bars, large_job)
        assert "2 of 40 papers" in bars.tasks[-1].fields["text"]


def test_service_url_prefers_option_to_environment_and_record(tmp_path: Path) -> None:
    (tmp_path / "service.json").write_text('{"url": "http://recorded"}')
    environment = {"PAPERWORKS_URL": "http://variable", "PAPERWORKS_HOME": str(tmp_path)}
    assert service_url("http://option", tmp_path, environment) == "http://option"
    assert service_url(None, tmp_path, environment) == "http://variable"
    assert service_url(None, tmp_path, {}) == "http://recorded"
    assert service_url(None, None, {"PAPERWORKS_HOME": str(tmp_path)}) == "http://recorded"
    assert service_url(None, tmp_path / "none", {}) == "http://127.0.0.1:8000"
    for invalid in ("", "[]", '{"url": 7}', "{"):
        (tmp_path / "service.json").write_text(invalid)
        assert service_url(None, tmp_path, {}) == "http://127.0.0.1:8000"


def test_cli_help_imports_no_heavy_modules() -> None:
    code = (
        "import sys, serve_app.cli.main;"
        "heavy = {'torch', 'ray', 'pymilvus', 'fastapi', 'httpx', 'sqlalchemy', 'numpy'};"
        "print(heavy & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "set()", done.stderr


def test_printable_removes_control_characters() -> None:
    assert printable("a\x1b[2Jb\x9bc\nd\u202e") == "a [2Jb c d "


def test_cli_job_line_names_papers_in_each_step() -> None:
    job = JobSummary.model_validate(
        {
            "job_id": "job_1",
            "kind": "upload",
            "status": "running",
            "collection": "ions",
            "created_at": "2026-11-29T07:00:00Z",
            "counts": Counts(total=5, queued=3, running=1, completed=1, failed=0, cancelled=0),
            "progress": {
                "fraction": 0.2,
                "steps": [{"step": "read_text", "waiting": 3, "reading": 0, "embedding": 1}],
                "pages_done": 4,
                "pages_read": 14,
                "pages_total": 14,
                "chunks_done": 30,
            },
        }
    )
    said = "1 of 5 papers, 14 pages, 30 chunks; read text: 3 waiting, 1 embedding"
    assert job_line(job).endswith(said)


def test_cli_names_other_files_of_a_work() -> None:
    task = Task(
        task_id=uuid.uuid4(),
        document_id="doc_b",
        filename="b.pdf",
        status=TaskStatus.COMPLETED,
        step=Step.READ_TEXT,
        attempt=1,
        max_attempts=4,
        pages_done=1,
        chunks_done=2,
    )
    assert task_line(task) == "b.pdf: completed, 1 page, 2 chunks"
    copy = task.model_copy(update={"same_work_as": ["doc_a"], "same_work_title": "On \x1b[1mions"})
    said = "The library already has this work: On  [1mions (doc_a)"
    assert task_line(copy) == f"b.pdf: completed, 1 page, 2 chunks. {said}"


def test_cli_sets_the_rule_on_duplicates(paperworks) -> None:
    created = paperworks("collections", "create", "ions", "--duplicates", "refuse")
    assert "duplicates: refuse" in created.stdout
    changed = paperworks("collections", "change", "ions", "--duplicates", "keep")
    assert (changed.exit_code, "duplicates" in changed.stdout) == (0, False)
    assert paperworks("collections", "change", "ions", "--duplicates", "all").exit_code == 2


def test_cli_renames_a_collection(paperworks) -> None:
    paperworks("collections", "create", "ions")
    renamed = paperworks("collections", "change", "ions", "--name", "plasmas")
    assert (renamed.exit_code, renamed.stdout.startswith("plasmas  0 papers")) == (0, True)
    again = paperworks("collections", "change", "ions", "--description", "hot", "--json")
    assert json.loads(again.stdout)["name"] == "plasmas"


def test_cli_help_has_an_example_that_can_be_parsed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("~/papers").mkdir(parents=True)
    for name in ("paper.pdf", "My Library.json"):
        Path(name).touch()
    found = leaf_commands()
    assert len(found) > 35
    for name, command in found.items():
        example = (command.help or "").partition("Example: ")[2].strip()
        assert example.startswith(name), name
        arguments = shlex.split(example.removeprefix(name).partition(" <")[0])
        assert command.make_context(name, arguments).params, name
