"""A rejected request leaves no files in the blob store, whatever was read of it before."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.requests import ClientDisconnect

from domain.errors import DatabaseUnavailable
from tests.unit.serve_app.library import API, Library, pdf

BOUNDARY = "a-boundary"
FORM = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}
ONE, TWO = ("a.pdf", pdf("a")), ("b.pdf", pdf("b"))


def kept(library: Library) -> list[Path]:
    """Returns all files of the blob store, including spool files."""
    return [path for path in (library.folder / "blobs").rglob("*") if path.is_file()]


def form(*fields: tuple[str, str], file_name: str = "file") -> bytes:
    """Returns a form whose fields follow its file."""
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{file_name}"; '
        f'filename="a.pdf"\r\n\r\n'.encode()
        + pdf("a"),
        *(
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode()
            for name, value in fields
        ),
    ]
    return b"\r\n".join([*parts, f"--{BOUNDARY}--\r\n".encode()])


async def send(library: Library, path: str, body: Any) -> httpx.Response:
    """Returns the response to a form."""
    return await library.http.post(f"{API}{path}", content=body, headers=FORM)


@pytest.mark.parametrize("path", ["/upload-async", "/documents"])
@pytest.mark.parametrize(
    ("name", "value"), [("collection", "no such/name"), ("on_duplicate", "maybe")]
)
async def test_rejected_upload_with_invalid_trailing_field_keeps_nothing(
    library: Library, path: str, name: str, value: str
) -> None:
    file_name = "file" if path == "/upload-async" else "files"
    answer = await send(library, path, form((name, value), file_name=file_name))
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert kept(library) == []


async def test_rejected_upload_with_second_file_keeps_nothing(library: Library) -> None:
    sent = [("file", (name, content, "application/pdf")) for name, content in (ONE, TWO)]
    answer = await library.http.post(f"{API}/upload-async", files=sent)
    assert answer.status_code == 422
    assert kept(library) == []


async def test_rejected_upload_with_too_many_files_keeps_nothing(library: Library) -> None:
    answer = await library.upload_many([(f"{n}.pdf", pdf(str(n))) for n in range(6)])
    assert (answer.status_code, answer.json()["code"]) == (413, "too_many_files")
    assert kept(library) == []


async def test_rejected_upload_with_truncated_form_keeps_nothing(library: Library) -> None:
    answer = await send(library, "/documents", form(file_name="files")[:-20])
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")
    assert kept(library) == []


async def test_upload_of_disconnected_client_keeps_nothing(library: Library) -> None:
    body = form(file_name="files").replace(f"--{BOUNDARY}--\r\n".encode(), b"")
    second = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="files"; filename="b"\r\n\r\n'

    async def pieces() -> AsyncIterator[bytes]:
        yield body
        yield second.encode() + pdf("b", filler=5000)
        raise ClientDisconnect

    answer = await send(library, "/documents", pieces())
    assert (answer.status_code, answer.json()["code"]) == (400, "client_disconnected")
    assert kept(library) == []


@pytest.mark.parametrize("many", [False, True])
async def test_rejected_duplicate_keeps_nothing(library: Library, many: bool) -> None:
    await library.upload(ONE[1], ONE[0])
    before = kept(library)
    if many:
        answer = await library.upload_many([TWO, ONE], on_duplicate="reject")
    else:
        answer = await library.upload(ONE[1], ONE[0], on_duplicate="reject")
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert kept(library) == before


async def test_upload_to_full_queue_keeps_nothing(tmp_path: Path) -> None:
    library = Library(tmp_path, queue_limit=1)
    await library.upload(ONE[1], ONE[0], collection="full")
    before = kept(library)
    answer = await send(library, "/documents", form(("collection", "full"), file_name="files"))
    assert answer.status_code == 429
    answer = await library.upload_many([TWO], {"Idempotency-Key": "x"}, collection="full")
    assert answer.status_code == 429
    assert kept(library) == before
    await library.http.aclose()


async def test_reused_idempotency_key_keeps_nothing(library: Library) -> None:
    key = {"Idempotency-Key": "monday"}
    first = await library.upload_many([ONE], key)
    before = kept(library)
    for files, fields in (
        ([TWO], {}),
        ([ONE, TWO], {}),
        ([("other.pdf", ONE[1])], {}),
        ([ONE], {"on_duplicate": "reprocess"}),
    ):
        answer = await library.upload_many(files, key, **fields)
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
        assert kept(library) == before
    again = await library.upload_many([ONE], key)
    assert again.json() == first.json()
    other = await library.upload_many([TWO], key, collection="other")
    assert other.status_code == 202, "a key belongs to a collection"


async def test_single_upload_supports_idempotency_key(library: Library) -> None:
    async def upload(content: bytes) -> httpx.Response:
        files = {"file": ("a.pdf", content, "application/pdf")}
        headers = {"Idempotency-Key": "tuesday"}
        return await library.http.post(f"{API}/upload-async", files=files, headers=headers)

    first, again, other = [await upload(content) for content in (ONE[1], ONE[1], TWO[1])]
    assert first.status_code == again.status_code == 202
    assert first.json()["job_id"] == again.json()["job_id"]
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_uploads_store_files_before_their_job_is_committed(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    admit, seen = library.stores.jobs.admit, []

    async def watching(*arguments: Any, before_commit: Any, **options: Any) -> Any:
        async def commit() -> None:
            assert not library.stores.state.jobs
            await before_commit()
            seen.append([path.parts[-3] for path in kept(library)])

        return await admit(*arguments, before_commit=commit, **options)

    monkeypatch.setattr(library.stores.jobs, "admit", watching)
    assert (await library.upload_many([ONE, TWO])).status_code == 202
    assert seen == [["pdf", "pdf"]]


async def test_upload_database_error_leaves_no_spool_file(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*arguments: Any, **options: Any) -> None:
        raise DatabaseUnavailable

    monkeypatch.setattr(library.stores.jobs, "admit", away)
    assert (await library.upload_many([ONE, TWO])).status_code == 503
    assert kept(library) == []
