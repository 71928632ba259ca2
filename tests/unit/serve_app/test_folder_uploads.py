"""`upload_folder` of both clients and the command `upload`: every file is accepted or refused."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from serve_app.client import AsyncClient, Client, PaperworksProblem, many_files
from serve_app.client.many_files import FilesUpload, FilesUploaded
from serve_app.schemas.core import UploadsAccepted
from serve_app.uploads.pdf_paths import PdfPath, pdfs_in, size_of
from tests.unit.serve_app.commands import Run
from tests.unit.serve_app.library import Library, pdf

QUEUE_LIMIT = 60


def make_folder(folder: Path, count: int) -> Path:
    """Creates a folder with this number of PDFs in three subfolders of it; returns it."""
    for number in range(count):
        path = folder / f"part {number % 3}" / f"{number:03}.pdf"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pdf(path.name))
    return folder


def add_others(folder: Path) -> None:
    """Adds entries that are no papers."""
    (folder / "notes.txt").write_text("no paper")
    (folder / "empty.pdf").touch()
    (folder / "gone.pdf").symlink_to(folder / "nowhere")


def names(count: int) -> set[str]:
    return {f"part {number % 3}/{number:03}.pdf" for number in range(count)}


@pytest.fixture
async def large(tmp_path: Path) -> AsyncIterator[Library]:
    """A library that takes 1000 files per request and QUEUE_LIMIT unfinished papers."""
    made = Library(tmp_path / "library", queue_limit=QUEUE_LIMIT, files=1000)
    yield made
    await made.http.aclose()
    made.close()


def impatient(library: Library) -> AsyncClient:
    """A client that repeats no request."""
    transport = httpx.ASGITransport(library.app)
    return AsyncClient("http://library", transport=transport, retries=0)


def test_sync_client_uploads_a_folder(url: str, tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "papers", 4)
    add_others(folder)
    parts: list[FilesUploaded] = []
    with Client(url) as client:
        done = client.upload_folder(folder, "physics", on_part=parts.append)
        assert {file.filename for file in done.accepted} == names(4)
        assert {file.filename: file.code for file in done.refused} == {
            "empty.pdf": "empty_file",
            "gone.pdf": "refused_upload",
        }
        assert "cannot be read" in next(
            f.detail for f in done.refused if f.code == "refused_upload"
        )
        jobs = [client.wait(job_id, 20) for job_id in done.job_ids]
        assert sum(job.counts.completed for job in jobs) == 4
        listed = client.documents(collection="physics").items
        assert {document.filename for document in listed} == names(4)
        again = client.upload_folder(str(folder), "physics")
        assert all(file.duplicate_of for file in again.accepted) and len(again.accepted) == 4
    total = FilesUploaded()
    for part in parts:
        total.add(part)
    assert total == done


async def test_requests_shrink_to_the_limit_of_the_service(
    library: Library, tmp_path: Path
) -> None:
    folder = make_folder(tmp_path / "papers", 23)
    async with library.async_client() as client:
        done = await client.upload_folder(folder)
    assert {file.filename for file in done.accepted} == names(23)
    assert done.refused == [] and len(done.job_ids) == len(set(done.job_ids))
    files = library.limits.max_files
    assert 23 / files <= len(done.job_ids) <= 23 // (files // 2) + 1


async def test_folder_is_sent_in_requests_of_fifty_files(large: Library, tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "papers", 55)
    async with impatient(large) as client:
        done = await client.upload_folder(folder)
        jobs = [await client.job(job_id) for job_id in done.job_ids]
    assert [job.counts.total for job in jobs] == [50, 5]
    assert {file.filename for file in done.accepted} == names(55)


def test_requests_have_at_most_so_many_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(many_files, "MAX_REQUEST_BYTES", 100)
    for name, size in (("a", 40), ("b", 60), ("c", 1), ("d", 150), ("e", 99)):
        (tmp_path / f"{name}.pdf").write_bytes(b"x" * size)
    upload = FilesUpload(pdfs_in([tmp_path]))
    requests = [[file.name[0] for file in batch] for batch in iter(upload.next_request, [])]
    assert requests == [["a", "b"], ["c"], ["d"], ["e"]]


async def test_files_after_a_full_queue_are_named_as_not_sent(
    large: Library, tmp_path: Path
) -> None:
    folder = make_folder(tmp_path / "papers", 160)
    async with impatient(large) as client:
        done = await client.upload_folder(folder)
        [document, *others] = (await client.documents(limit=200)).items
    assert len(done.accepted) == len(others) + 1 == 100 and document.filename in names(160)
    codes = [file.code for file in done.refused]
    assert codes == ["queue_full"] * 50 + ["not_sent"] * 10
    assert {file.filename for file in (*done.accepted, *done.refused)} == names(160)
    assert "queue_full" in done.refused[-1].detail


async def test_problem_of_the_first_request_is_raised(library: Library, tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "papers", 3)
    (folder / "gone.pdf").symlink_to(folder / "nowhere")
    parts: list[FilesUploaded] = []
    async with library.async_client() as client:
        with pytest.raises(PaperworksProblem) as problem:
            await client.upload_folder(folder, "no/name", on_part=parts.append)
        assert (await client.documents()).items == []
    assert problem.value.code == "invalid_request"
    assert [file.filename for part in parts for file in part.refused] == ["gone.pdf"]


async def test_refused_request_does_not_affect_the_others(library: Library, tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "papers", 8)
    (folder / "zoo.pdf").write_bytes(pdf("zoo", 200_000))
    async with library.async_client() as client:
        await client.upload(folder / "part 0" / "000.pdf")
        done = await client.upload_folder(folder, on_duplicate="reject")
    codes = {file.filename: file.code for file in done.refused}
    assert codes["part 0/000.pdf"] == "conflict" and codes["zoo.pdf"] == "file_too_large"
    assert done.accepted
    assert {file.filename for file in done.accepted} | codes.keys() == names(8) | {"zoo.pdf"}


async def test_file_that_disappears_is_refused_and_others_are_sent(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_folder(tmp_path / "papers", 4)

    def measure(file: PdfPath) -> int:
        size = size_of(file)
        if file.name == "part 1/001.pdf":
            file.path.unlink()
        return size

    monkeypatch.setattr(many_files, "size_of", measure)
    async with library.async_client() as client:
        done = await client.upload_folder(folder)
    [refused] = done.refused
    assert (refused.filename, refused.code) == ("part 1/001.pdf", "refused_upload")
    assert "cannot be read: No such file or directory" in refused.detail
    assert {file.filename for file in done.accepted} == names(4) - {"part 1/001.pdf"}


def test_path_that_is_no_folder_raises(tmp_path: Path) -> None:
    with Client() as client:
        for path in (tmp_path / "missing", Path(__file__)):
            with pytest.raises(NotADirectoryError, match=path.name):
                client.upload_folder(path)


def test_command_names_each_file_of_a_service_that_ends(
    paperworks: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_folder(tmp_path / "papers", 12)
    upload_many = Client.upload_many.request

    def upload_and_lose_service(client: Client, *given: Any, **options: Any) -> UploadsAccepted:
        accepted = client.send(upload_many(client, *given, **options))
        client._http.base_url = "http://127.0.0.1:9"
        return accepted

    monkeypatch.setattr(Client, "upload_many", upload_and_lose_service)
    monkeypatch.setattr("serve_app.client.sync_client.time.sleep", lambda _seconds: None)
    result = paperworks("upload", folder, "--json")
    assert result.exit_code == 1 and "No service answers" in result.stderr
    printed = json.loads(result.stdout)
    assert {one["filename"] for one in printed["accepted"] + printed["refused"]} == names(12)
    assert (len(printed["accepted"]), len(printed["job_ids"]), printed["jobs"]) == (3, 1, [])
    assert [one["code"] for one in printed["refused"]] == ["unreachable"] * 3 + ["not_sent"] * 6
