"""Route, client and command of folder jobs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from domain.errors import FolderUnreadable, failure_of
from domain.folder_jobs import RefusedFile, Registration
from runtime.http_options import HttpOptions
from serve_app.cli.main import app
from serve_app.cli.server_folder import folder_lines
from tests.unit.serve_app.library import API, Library
from tests.unit.serve_app.served import served


@pytest.fixture
async def open_library(tmp_path: Path) -> AsyncIterator[Library]:
    """A library that may read a folder."""
    (tmp_path / "root" / "papers").mkdir(parents=True)
    (tmp_path / "root" / "away").symlink_to(tmp_path)
    options = HttpOptions(hosts=["library"], folders=[str(tmp_path / "root")])
    library = Library(tmp_path, http=options)
    yield library
    await library.http.aclose()
    library.close()


async def post(library: Library, body: Any) -> httpx.Response:
    return await library.http.post(f"{API}/jobs", json=body)


async def test_accepted_folder_is_an_open_job(open_library: Library, tmp_path: Path) -> None:
    folder = str(tmp_path / "root" / "papers")
    answer = await post(open_library, {"folder": folder, "collection": "physics"})
    assert answer.status_code == 202, answer.text
    body = answer.json()
    job_id = body["job_id"]
    assert answer.headers["location"] == f"{API}/jobs/{job_id}"
    assert (body["folder"], body["collection"]) == (folder, "physics")
    job = (await open_library.get(f"/jobs/{job_id}")).json()
    assert (job["kind"], job["status"], job["tasks"]) == ("folder", "queued", [])
    assert job["folder"] == {
        "folder": folder,
        "registered": 0,
        "known": 0,
        "refused_files": 0,
        "refused": [],
        "finished_at": None,
        "error": None,
    }
    claimed = await open_library.stores.folders.claim(15)
    assert claimed is not None and claimed.actor.startswith("address")


async def test_job_shows_its_registration(open_library: Library, tmp_path: Path) -> None:
    body = (await post(open_library, {"folder": str(tmp_path / "root")})).json()
    folders = open_library.stores.folders
    claimed = await folders.claim(15)
    assert claimed is not None
    refused = RefusedFile(filename="a/b.pdf", code="not_a_pdf", detail="It is no PDF.")
    await folders.record(claimed, Registration(7, 2, 1, (refused,)), 15)
    shown = (await open_library.get(f"/jobs/{body['job_id']}")).json()["folder"]
    assert (shown["registered"], shown["known"], shown["refused_files"]) == (7, 2, 1)
    assert shown["refused"] == [refused.model_dump()]
    failure = failure_of(FolderUnreadable())
    await folders.finish(claimed, Registration(7, 2, 1, (refused,)), failure)
    job = (await open_library.get(f"/jobs/{body['job_id']}")).json()
    assert job["status"] == "failed"
    assert job["error"]["code"] == job["folder"]["error"]["code"] == "folder_unreadable"


async def test_cancelled_folder_job_ends(open_library: Library, tmp_path: Path) -> None:
    body = (await post(open_library, {"folder": str(tmp_path / "root")})).json()
    await open_library.http.post(f"{API}/jobs/{body['job_id']}/cancel")
    job = (await open_library.get(f"/jobs/{body['job_id']}")).json()
    assert (job["status"], job["folder"]["error"]["code"]) == ("cancelled", "cancelled")


@pytest.mark.parametrize(
    ("folder", "status", "code"),
    [
        ("/", 422, "folder_not_allowed"),
        ("root", 422, "folder_not_allowed"),
        ("{root}/..", 422, "folder_not_allowed"),
        ("{root}/away", 422, "folder_not_allowed"),
        ("s3://bucket/papers", 422, "folder_not_allowed"),
        ("{root}/missing", 404, "folder_not_found"),
        ("{root}/" + "x" * 3000, 404, "folder_not_found"),
        ("", 422, "invalid_request"),
        ("{root}/\0", 422, "invalid_request"),
        ("{root}/" + "x" * 5000, 422, "invalid_request"),
        (7, 422, "invalid_request"),
        (None, 422, "invalid_request"),
        (["/"], 422, "invalid_request"),
    ],
)
async def test_refused_folder_creates_no_job(
    open_library: Library, tmp_path: Path, folder: Any, status: int, code: str
) -> None:
    if isinstance(folder, str):
        folder = folder.replace("{root}", str(tmp_path / "root"))
    answer = await post(open_library, {"folder": folder})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (await open_library.get("/jobs")).json()["items"] == []


@pytest.mark.parametrize(
    "body", [None, [], {}, {"folder": "/", "collection": "a b"}, {"folder": "/", "lane": "bulk"}]
)
async def test_invalid_body_is_refused(open_library: Library, body: Any) -> None:
    assert (await post(open_library, body)).status_code == 422


async def test_service_without_folders_reads_none(library: Library, tmp_path: Path) -> None:
    answer = await post(library, {"folder": str(tmp_path)})
    assert (answer.status_code, answer.json()["code"]) == (422, "folders_not_configured")


async def test_client_registers_a_folder(open_library: Library, tmp_path: Path) -> None:
    client = open_library.async_client()
    accepted = await client.register_folder(str(tmp_path / "root"), "physics")
    job = await client.job(accepted.job_id)
    assert job.folder is not None and (job.collection, job.folder.registered) == ("physics", 0)
    [line] = folder_lines(job.folder)
    assert line.startswith(f"{tmp_path / 'root'}: registering; ")


async def test_upload_page_has_a_form_where_folders_are_allowed(
    open_library: Library, library: Library
) -> None:
    pages = [(await one.http.get("/upload")).text for one in (open_library, library)]
    assert ['id="server-folder"' in page for page in pages] == [True, False]


async def test_job_page_shows_the_registration(open_library: Library, tmp_path: Path) -> None:
    body = (await post(open_library, {"folder": str(tmp_path / "root")})).json()
    claimed = await open_library.stores.folders.claim(15)
    assert claimed is not None
    refused = RefusedFile(filename="<b>.pdf", code="not_a_pdf", detail="It is no PDF.")
    await open_library.stores.folders.record(claimed, Registration(7, 2, 1, (refused,)), 15)
    page = (await open_library.http.get(f"/jobs/{body['job_id']}")).text
    assert "7 files registered, 2 known, 1 refused; registration continues" in page
    assert "&lt;b&gt;.pdf: It is no PDF." in page


def bulk(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["bulk", *arguments])


def test_command_registers_a_folder_of_the_server(open_library: Library, tmp_path: Path) -> None:
    with served(open_library) as url:
        folder = str(tmp_path / "root" / "papers")
        done = bulk("--server-folder", folder, "--no-wait", "--url", url)
        assert (done.exit_code, done.stdout[:4]) == (0, "job_"), done.output
        refused = bulk("--server-folder", "/", "--url", url)
        assert refused.exit_code == 1 and "http.folders" in refused.stderr


def test_command_takes_one_source(tmp_path: Path) -> None:
    assert bulk(str(tmp_path), "--server-folder", "/data").exit_code == 2
    assert bulk().exit_code == 2
