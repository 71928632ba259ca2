"""Bytes of an upload before they are stored: few stay in memory, many go to a spool file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from domain.errors import BlobStoreUnavailable
from stores.blobs import upload_spool
from stores.blobs.local_backend import LocalBackend
from stores.blobs.upload_spool import MEMORY_BYTES, UploadSpool

PIECE = b"x" * (MEMORY_BYTES // 4)


@pytest.fixture
def backend(tmp_path: Path) -> LocalBackend:
    backend = LocalBackend(tmp_path)
    backend.create_spool()
    return backend


def files(backend: LocalBackend) -> list[Path]:
    return list(backend.spool.iterdir())


def test_small_upload_creates_its_file_when_it_is_saved(backend: LocalBackend) -> None:
    spool = UploadSpool(backend, MEMORY_BYTES)
    for piece in (b"one ", b"two"):
        spool.write(piece)
    assert files(backend) == []
    assert spool.save().read_bytes() == b"one two"
    assert files(backend) == [spool.save()]


def test_large_upload_is_written_while_it_arrives(backend: LocalBackend) -> None:
    spool = UploadSpool(backend, MEMORY_BYTES)
    for _ in range(5):
        spool.write(PIECE)
    [file] = files(backend)
    assert file.stat().st_size == 5 * len(PIECE)
    spool.write(b"end")
    assert spool.save().read_bytes() == 5 * PIECE + b"end"


@pytest.mark.parametrize("pieces", [1, 5])
def test_discarded_upload_leaves_no_file(backend: LocalBackend, pieces: int) -> None:
    spool = UploadSpool(backend, MEMORY_BYTES)
    for _ in range(pieces):
        spool.write(PIECE)
    spool.discard()
    assert files(backend) == []


def test_file_of_form_is_not_kept_in_memory(backend: LocalBackend) -> None:
    spool = UploadSpool(backend)
    spool.write(b"one")
    [file] = files(backend)
    assert file.read_bytes() == b"one"


def test_empty_upload_is_saved_as_empty_file(backend: LocalBackend) -> None:
    assert UploadSpool(backend).save().read_bytes() == b""


def test_save_after_failed_write_returns_complete_file(
    backend: LocalBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = UploadSpool(backend, MEMORY_BYTES)
    spool.write(b"one ")
    spool.write(b"two")
    with monkeypatch.context() as patch:
        patch.setattr(upload_spool, "write_all", _fail_at_second_piece())
        with pytest.raises(BlobStoreUnavailable):
            spool.save()
    assert files(backend) == []
    assert spool.save().read_bytes() == b"one two"


def _fail_at_second_piece():
    written = list[bytes]()

    def write(file, piece: bytes) -> None:
        if written:
            raise BlobStoreUnavailable
        written.append(piece)
        os.write(file.fileno(), piece)

    return write
