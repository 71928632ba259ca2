"""The trash of the blob store, in a folder and in a bucket: readers restore its PDFs."""

from __future__ import annotations

import asyncio
import os
import threading
import uuid
from collections.abc import Callable, Collection
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from domain.errors import BlobStoreUnavailable, NotFound
from stores.blobs.blob_store import BlobStore, StoredBlob, pdf_key
from stores.blobs.pdf_trash import trash_unused

HOUR = 3600
PDF = b"%PDF-1.7\n" + bytes(range(256)) * 40


@pytest.fixture(params=["folder", "memory", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    if request.param == "s3":
        return BlobStore(request.getfixturevalue("bucket").uri)
    addresses = {"folder": f"{tmp_path}/blobs", "memory": f"memory://{uuid.uuid4().hex}"}
    return BlobStore(addresses[request.param])


@pytest.fixture
def folder(tmp_path: Path) -> BlobStore:
    return BlobStore(f"{tmp_path}/blobs")


def put(store: BlobStore, tmp_path: Path, data: bytes = PDF) -> StoredBlob:
    source = tmp_path / "upload.pdf"
    source.write_bytes(data)
    return store.put_file(source, len(data))


def is_stored(store: BlobStore, sha256: str) -> bool:
    """True if the PDF is stored outside the trash; does not restore it."""
    return pdf_key(sha256) in {blob.key for blob in store.listed()}


def local_copy(store: BlobStore, blob: StoredBlob) -> bytes:
    with store.open_local(blob.sha256) as path:
        return path.read_bytes()


def test_trashed_pdf_is_in_folder_of_its_day(store: BlobStore, tmp_path: Path) -> None:
    blob = put(store, tmp_path)
    assert store.trash_pdf(blob.sha256)
    [trashed] = store.trashed()
    today = datetime.now(UTC).date()
    assert trashed.key == f"trash/{trashed.day.isoformat()}/{blob.sha256}.pdf"
    assert today - trashed.day <= timedelta(days=1)
    assert (trashed.sha256, trashed.bytes) == (blob.sha256, len(PDF))
    assert 0 <= trashed.age_seconds < HOUR
    assert not is_stored(store, blob.sha256)
    assert not store.trash_pdf(blob.sha256)


@pytest.mark.parametrize(
    "read",
    [
        lambda store, blob: store.read(blob.key),
        lambda store, blob: b"".join(store.stream(blob.key)),
        local_copy,
        lambda store, blob: store.exists(blob.key) and PDF,
        lambda store, blob: store.check_readable(blob.sha256) or PDF,
        lambda store, blob: store.restore_pdf(blob.sha256) and PDF,
    ],
)
def test_every_read_operation_restores_trashed_pdf(
    store: BlobStore, tmp_path: Path, read: Callable[[BlobStore, StoredBlob], bytes]
) -> None:
    blob = put(store, tmp_path)
    store.trash_pdf(blob.sha256)
    assert read(store, blob) == PDF
    assert is_stored(store, blob.sha256)
    assert list(store.trashed()) == []


def test_unknown_pdf_raises_not_found(store: BlobStore, tmp_path: Path) -> None:
    store.trash_pdf(put(store, tmp_path).sha256)
    unknown = "0" * 64
    assert not store.restore_pdf(unknown)
    assert not store.exists(pdf_key(unknown))
    with pytest.raises(NotFound):
        store.read(pdf_key(unknown))


def test_restore_resets_pdf_age(folder: BlobStore, tmp_path: Path) -> None:
    blob = put(folder, tmp_path)
    os.utime(tmp_path / "blobs" / blob.key, (0, 0))
    assert folder.trash_older(blob.sha256, HOUR)
    assert folder.restore_pdf(blob.sha256)
    assert not folder.trash_older(blob.sha256, HOUR)


def test_trash_older_keeps_young_pdf(store: BlobStore, tmp_path: Path) -> None:
    blob = put(store, tmp_path)
    assert not store.trash_older(blob.sha256, HOUR)
    assert is_stored(store, blob.sha256)


def test_concurrent_readers_restore_trashed_pdf(folder: BlobStore, tmp_path: Path) -> None:
    blob = put(folder, tmp_path)
    failures: list[BaseException] = []

    def read() -> None:
        try:
            assert folder.read(blob.key) == PDF
        except BaseException as error:
            failures.append(error)

    for _ in range(10):
        folder.trash_pdf(blob.sha256)
        readers = [threading.Thread(target=read) for _ in range(8)]
        for thread in readers:
            thread.start()
        for thread in readers:
            thread.join()
    assert failures == []


def test_upload_of_trashed_pdf_stores_it_again(store: BlobStore, tmp_path: Path) -> None:
    blob = put(store, tmp_path)
    store.trash_pdf(blob.sha256)
    assert put(store, tmp_path) == blob
    assert is_stored(store, blob.sha256)


def test_purge_deletes_pdf_and_empty_folder_of_past_day(folder: BlobStore, tmp_path: Path) -> None:
    blob = put(folder, tmp_path)
    past = tmp_path / "blobs" / "trash" / "2026-01-31"
    past.mkdir(parents=True)
    (tmp_path / "blobs" / blob.key).rename(past / f"{blob.sha256}.pdf")
    [trashed] = folder.trashed()
    assert trashed.day == date(2026, 1, 31)
    folder.purge(trashed)
    assert not past.exists()
    assert not folder.exists(blob.key)


def test_trash_ignores_foreign_files(folder: BlobStore, tmp_path: Path) -> None:
    folder.prepare()
    for name in ("notes.txt", "2026-13-99/" + "0" * 64 + ".pdf", "2026-01-01/readme.pdf"):
        path = tmp_path / "blobs" / "trash" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"mine")
    assert list(folder.trashed()) == []


def test_trash_of_unavailable_store_raises(folder: BlobStore, tmp_path: Path) -> None:
    blob = put(folder, tmp_path)
    (tmp_path / "blobs").rename(tmp_path / "elsewhere")
    for act in (folder.trash_pdf, folder.restore_pdf, lambda _: list(folder.trashed())):
        with pytest.raises(BlobStoreUnavailable):
            act(blob.sha256)


async def test_trash_unused_restores_pdf_used_meanwhile(store: BlobStore, tmp_path: Path) -> None:
    used, unused, early = (put(store, tmp_path, PDF + bytes([n])).sha256 for n in range(3))
    asked: list[set[str]] = []

    async def in_use(digests: Collection[str]) -> set[str]:
        asked.append(set(digests))
        return {early} if len(asked) == 1 else {used}  # an upload commits between the two queries

    assert await trash_unused([used, unused, early], store, in_use) == [unused]
    assert asked == [{used, unused, early}, {used, unused}]
    stored = await asyncio.to_thread(lambda: {blob.key for blob in store.listed()})
    assert stored == {pdf_key(used), pdf_key(early)}
