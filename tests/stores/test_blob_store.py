"""Contract tests of the blob store: local folder, memory and S3."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import subprocess
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from domain.errors import (
    BlobStoreUnavailable,
    EmptyFile,
    FileTooLarge,
    NotAPdf,
    NotFound,
    PaperworksError,
)
from stores.blobs.blob_store import BlobStore, artifact_key, is_partial_upload, owner_of, pdf_key

PDF = b"%PDF-1.7\n" + bytes(range(256)) * 40
MIB = 1024 * 1024
HOUR = 3600


@pytest.fixture(params=["folder", "file uri", "memory", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    if request.param == "s3":
        return BlobStore(request.getfixturevalue("bucket").uri)
    address = {"folder": f"{tmp_path}/blobs", "file uri": f"file://{tmp_path}/blobs"}
    return BlobStore(address.get(request.param, f"memory://{uuid.uuid4().hex}"))


@pytest.fixture
def folder(tmp_path: Path) -> BlobStore:
    return BlobStore(str(tmp_path))


async def pieces(data: bytes, size: int = 1000) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


def files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def spooled_files(store: BlobStore) -> list[Path]:
    return list(store._backend.spool.glob("*.part"))


async def test_blob_key_is_sha256_of_content(store: BlobStore) -> None:
    blob = await store.put_stream(pieces(PDF), MIB)
    digest = hashlib.sha256(PDF).hexdigest()
    assert (blob.sha256, blob.bytes) == (digest, len(PDF))
    assert blob.key == f"pdf/{digest[:2]}/{digest}.pdf" == pdf_key(digest)
    assert store.exists(blob.key)
    assert store.read(blob.key) == PDF
    assert b"".join(store.stream(blob.key)) == PDF


async def test_part_of_a_blob_is_streamed(store: BlobStore) -> None:
    content = PDF + bytes(range(256)) * 3000
    blob = await store.put_stream(pieces(content, 100_000), MIB)
    for first, count in ((0, 10), (7, 1), (1000, 600_000), (len(content) - 5, 5), (300_000, None)):
        end = None if count is None else first + count
        assert b"".join(store.stream(blob.key, first, count)) == content[first:end]


async def test_open_local_yields_readable_path(store: BlobStore) -> None:
    blob = await store.put_stream(pieces(PDF), MIB)
    with store.open_local(blob.sha256) as path:
        assert path.read_bytes() == PDF


def test_put_file_stores_local_file(store: BlobStore, tmp_path: Path) -> None:
    source = tmp_path / "..name; rm -rf.pdf"
    source.write_bytes(PDF)
    blob = store.put_file(source, MIB)
    assert store.read(blob.key) == PDF
    assert source.exists()


async def test_identical_blobs_are_stored_once_and_not_rewritten(
    folder: BlobStore, tmp_path: Path
) -> None:
    first = await folder.put_stream(pieces(PDF), MIB)
    path = tmp_path / first.key
    before = path.stat()
    assert await folder.put_stream(pieces(PDF, 7), MIB) == first
    assert path.stat().st_ino == before.st_ino


async def test_truncated_blob_is_replaced_by_upload(folder: BlobStore) -> None:
    blob = await folder.put_stream(pieces(PDF), MIB)
    with folder.open_local(blob.sha256) as path:
        path.write_bytes(PDF[:100])
    await folder.put_stream(pieces(PDF), MIB)
    assert folder.read(blob.key) == PDF


async def test_pdf_header_within_first_kilobyte_is_accepted(store: BlobStore) -> None:
    late = b"x" * 1019 + b"%PDF-1.4 and more"
    assert (await store.put_stream(pieces(late, 10), MIB)).bytes == len(late)


@pytest.mark.parametrize(
    ("data", "limit", "refusal"),
    [
        (b"", MIB, EmptyFile),
        (b"<html>", MIB, NotAPdf),
        (b"x" * 1020 + b"%PDF-1.4", MIB, NotAPdf),
        (PDF, len(PDF) - 1, FileTooLarge),
    ],
)
async def test_rejected_uploads_leave_no_files(
    store: BlobStore, tmp_path: Path, data: bytes, limit: int, refusal: type[PaperworksError]
) -> None:
    with pytest.raises(refusal):
        await store.put_stream(pieces(data), limit)
    assert spooled_files(store) == []
    assert files(tmp_path) == []


async def test_file_of_exactly_the_size_limit_is_accepted(store: BlobStore) -> None:
    assert (await store.put_stream(pieces(PDF), len(PDF))).bytes == len(PDF)


@pytest.mark.parametrize(
    ("first", "refusal"), [(b"<html>" * 200, NotAPdf), (PDF * 2, FileTooLarge)]
)
async def test_upload_is_rejected_without_reading_the_rest(
    folder: BlobStore, first: bytes, refusal: type[PaperworksError]
) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield first
        raise AssertionError("read on")

    with pytest.raises(refusal):
        await folder.put_stream(endless(), len(PDF))


async def test_interrupted_upload_leaves_no_files(store: BlobStore, tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield PDF
        raise ConnectionResetError("the client went away")

    with pytest.raises(ConnectionResetError):
        await store.put_stream(broken(), MIB)
    assert spooled_files(store) == []
    assert files(tmp_path) == []


@pytest.mark.parametrize("call", ["fsync", "replace"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
async def test_disk_error_raises_unavailable_and_leaves_no_files(
    folder: BlobStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, code: int
) -> None:
    def fail(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(BlobStoreUnavailable):
        await folder.put_stream(pieces(PDF), MIB)
    assert files(tmp_path) == []


def test_blob_store_with_invalid_path_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(BlobStoreUnavailable):
        BlobStore(f"{tmp_path}/file/blobs").put_artifact("a", b"")


async def test_unmounted_blob_folder_is_unavailable(tmp_path: Path) -> None:
    """An unmounted volume raises errors, is not written to, and works again after a remount."""
    root = tmp_path / "mounted"
    store, other = BlobStore(str(root)), BlobStore(str(root))
    blob = await store.put_stream(pieces(PDF), MIB)
    root.rename(tmp_path / "away")
    for left in (None, root):  # the folder is missing, or is an empty mount point
        if left:
            left.mkdir()
        for ask in (
            lambda: store.read(blob.key),
            lambda: other.read(blob.key),
            lambda: store.exists(blob.key),
            lambda: list(store.listed()),
            lambda: store.put_artifact("artifacts/aa/doc_aa-1-x", b"late"),
        ):
            with pytest.raises(BlobStoreUnavailable):
                ask()
        with pytest.raises(BlobStoreUnavailable), store.open_local(blob.sha256):
            pass
        with pytest.raises(BlobStoreUnavailable):
            await store.put_stream(pieces(PDF + b" "), MIB)
    assert list(root.iterdir()) == []
    root.rmdir()
    (tmp_path / "away").rename(root)
    assert store.read(blob.key) == PDF
    assert (await store.put_stream(pieces(PDF + b" "), MIB)).bytes == len(PDF) + 1


async def test_local_path_stays_valid_after_folder_is_removed(tmp_path: Path) -> None:
    """The path stays valid for another process that opens it later."""
    root = tmp_path / "mounted"
    store = BlobStore(str(root))
    blob = await store.put_stream(pieces(PDF), MIB)
    with store.open_local(blob.sha256) as path:
        root.rename(tmp_path / "away")
        cat = await asyncio.create_subprocess_exec("cat", path, stdout=subprocess.PIPE)
        assert await cat.communicate() == (PDF, None)


async def test_check_readable_detects_missing_pdf(store: BlobStore) -> None:
    blob = await store.put_stream(pieces(PDF), MIB)
    store.check_readable(blob.sha256)
    with pytest.raises(NotFound):
        store.check_readable("0" * 64)


def test_put_artifact_replaces_existing_blob(store: BlobStore) -> None:
    key = artifact_key("doc_0123456789ab", 2, "f00d")
    store.put_artifact(key, b"one")
    store.put_artifact(key, b"two")
    assert store.read(key) == b"two"
    assert spooled_files(store) == []


def test_missing_blob_raises_not_found(store: BlobStore) -> None:
    store.put_artifact(artifact_key("doc_0123456789ab", 1, "f00d"), b"another")
    key = pdf_key("0" * 64)
    assert not store.exists(key)
    store.delete(key)
    with pytest.raises(NotFound):
        store.read(key)
    with pytest.raises(NotFound):
        store.stream(key)
    with pytest.raises(NotFound), store.open_local("0" * 64):
        pass


async def test_blob_delete_is_idempotent(store: BlobStore) -> None:
    blob = await store.put_stream(pieces(PDF), MIB)
    store.delete(blob.key)
    assert not store.exists(blob.key)
    store.delete(blob.key)


ONE, OTHER = (
    "doc_0000000000ab",
    "doc_1111111111ab",
)  # stored in the same folder, which is named by the last letters
DIGESTS = ("paper-2-read_text", "paper-2-layout", "scans")


def artifacts(store: BlobStore, document: str, *versions: int) -> set[str]:
    """Stores artifacts of these versions and returns their keys."""
    keys = {artifact_key(document, version, digest) for version in versions for digest in DIGESTS}
    for key in keys:
        store.put_artifact(key, b"x")
    return keys


@pytest.mark.parametrize(
    ("first", "last", "kept"), [(0, 12, set()), (0, 11, {12}), (2, 2, {1, 12}), (2, 20, {1})]
)
def test_delete_artifacts_by_document_and_version_range(
    store: BlobStore, first: int, last: int, kept: set[int]
) -> None:
    others = artifacts(store, OTHER, 1, 12)
    mine = {version: artifacts(store, ONE, version) for version in (1, 2, 12)}
    store.delete_artifacts(ONE, first, last)
    store.delete_artifacts(ONE, first, last)  # idempotent
    assert all(store.exists(key) for key in others)
    for version, keys in mine.items():
        assert {store.exists(key) for key in keys} == {version in kept}


async def test_listed_yields_pdfs_artifacts_and_spool_files(store: BlobStore) -> None:
    store.prepare()
    assert list(store.listed()) == []
    blob = await store.put_stream(pieces(PDF), MIB)
    keys = artifacts(store, ONE, 1)
    listed = {one.key: one for one in store.listed()}
    assert listed.keys() == {blob.key, *keys}
    assert listed[blob.key].bytes == len(PDF)
    assert all(0 <= one.age_seconds < HOUR for one in listed.values())


def test_listed_ignores_foreign_files_and_includes_interrupted_uploads(
    folder: BlobStore, tmp_path: Path
) -> None:
    spool = tmp_path / "incoming"
    spool.mkdir()
    (spool / f"{uuid.uuid4().hex}.part").write_bytes(PDF[:10])
    (tmp_path / "notes.txt").write_text("mine")
    [left] = folder.listed()
    assert is_partial_upload(left.key) and left.bytes == 10


async def test_delete_older_keeps_young_blobs(store: BlobStore) -> None:
    blob = await store.put_stream(pieces(PDF), MIB)
    assert not store.delete_older(blob.key, HOUR)
    assert store.exists(blob.key)
    await asyncio.sleep(0.01)
    assert store.delete_older(blob.key, 0)
    assert not store.exists(blob.key)
    assert not store.delete_older(blob.key, 0)


async def test_repeated_upload_resets_blob_age(folder: BlobStore) -> None:
    blob = await folder.put_stream(pieces(PDF), MIB)
    with folder.open_local(blob.sha256) as path:
        os.utime(path, (0, 0))
    [old] = folder.listed()
    assert old.age_seconds > HOUR
    await folder.put_stream(pieces(PDF), MIB)
    assert not folder.delete_older(blob.key, HOUR)


def test_owner_of_parses_blob_keys() -> None:
    digest = "ab" * 32
    assert owner_of(pdf_key(digest)) == digest
    assert owner_of(artifact_key(ONE, 12, "paper-2-layout")) == (ONE, 12)
    for other in ("pdf/ab/notes.txt", "artifacts/ab/readme", "incoming/x.part", "x"):
        assert owner_of(other) is None
        assert not is_partial_upload(other)


async def test_delete_artifacts_keeps_pdf(store: BlobStore) -> None:
    blob = await store.put_stream(pieces(PDF), MIB)
    store.delete_artifacts(ONE, 0, 9)  # its folder does not exist
    assert store.read(blob.key) == PDF


@pytest.mark.parametrize(
    "key", ["../x", "/etc/passwd", "a/../b", "", "a//b", ".hidden", "a\0b", "a/"]
)
def test_path_traversal_keys_are_rejected(store: BlobStore, key: str) -> None:
    with pytest.raises(NotFound):
        store.read(key)
    with pytest.raises(NotFound):
        store.put_artifact(key, b"x")
