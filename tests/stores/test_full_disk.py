"""Full disk: each store raises its own error, keeps its data, and recovers."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from domain.errors import BlobStoreUnavailable, DatabaseUnavailable, VectorStoreUnavailable
from stores.blobs.blob_store import BlobStore
from stores.embedded.embedded_postgres import EmbeddedPostgres
from stores.postgres.database import Database
from tests.stores.milvus import MilvusLite, chunk, connect, put

MEGABYTES = 160


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A small dedicated file system. Mounting it requires root."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    """Fills the disk completely inside the block."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
        while True:
            file.write(b"x" * 65536)
    yield
    filler.unlink()


def test_milvus_on_full_disk_is_unavailable_and_keeps_data(small_disk: Path) -> None:
    server = MilvusLite(small_disk)
    server.start()
    store = connect(server)
    try:
        store.prepare()
        before = [chunk(ordinal=n, text=f"before {n}") for n in range(20)]
        put(store, *before)
        late = [chunk("doc_b", ordinal=n, text=f"late {n} " + "x" * 900) for n in range(400)]
        with filled(small_disk), pytest.raises(VectorStoreUnavailable):
            for _ in range(50):  # fills the rest of the last block
                put(store, *late)
        assert store.count("doc_a", 1) == len(before)
        put(store, *late)
        assert store.count("doc_b", 1) == len(late)
        put(store, chunk("doc_c"))
        server.kill()
        server.start()
        store.prepare()
        assert [store.count(name, 1) for name in ("doc_a", "doc_b", "doc_c")] == [20, 400, 1]
    finally:
        store.close()
        server.stop()


async def test_postgres_on_full_disk_is_unavailable_and_keeps_data(small_disk: Path) -> None:
    server = EmbeddedPostgres(small_disk)
    server.start()
    database = Database(server.url)
    try:
        async with database.begin() as connection:
            await connection.execute(text("CREATE TABLE kept (line text)"))
            await connection.execute(text("INSERT INTO kept VALUES ('before')"))
        with filled(small_disk), pytest.raises(DatabaseUnavailable):
            async with database.begin() as connection:
                row = "SELECT repeat(md5(n::text), 200) FROM generate_series(1, 20000) AS n"
                await connection.execute(text(f"INSERT INTO kept {row}"))
        if not server.alive():  # the server exits if it cannot even write its log
            server.start()
        async with database.begin() as connection:
            await connection.execute(text("INSERT INTO kept VALUES ('after')"))
            lines = (await connection.execute(text("SELECT line FROM kept"))).scalars().all()
        assert lines == ["before", "after"]
    finally:
        await database.close()
        server.stop()


def test_blob_store_on_full_disk_leaves_no_partial_file(small_disk: Path) -> None:
    blobs = BlobStore(f"file://{small_disk / 'blobs'}")
    blobs.put_artifact("artifacts/aa/doc_aa-1-x", b"before")
    with filled(small_disk), pytest.raises(BlobStoreUnavailable):
        blobs.put_artifact("artifacts/aa/doc_aa-2-x", b"x" * 1_000_000)
    assert not blobs.exists("artifacts/aa/doc_aa-2-x")
    assert blobs.read("artifacts/aa/doc_aa-1-x") == b"before"
    assert [blob.key for blob in blobs.listed()] == ["artifacts/aa/doc_aa-1-x"]
