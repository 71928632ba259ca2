"""S3 buckets: missing, access denied, unreachable, and shared by several processes."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from domain.errors import BlobStoreRefused, BlobStoreUnavailable, NotFound
from runtime.outage_log import OutageLog
from runtime.ports import free_port
from stores.blobs import blob_backend, private_spool
from stores.blobs.blob_store import BlobStore, artifact_key, pdf_key
from tests.stores.s3 import Bucket

PDF = b"%PDF-1.7\n" + bytes(range(256)) * 40
MIB = 1024 * 1024
ONE = "doc_0000000000ab"
MISSING = pdf_key("0" * 64)


@pytest.fixture
def paper(tmp_path: Path) -> Path:
    path = tmp_path / "paper.pdf"
    path.write_bytes(PDF)
    return path


def operations(store: BlobStore, paper: Path) -> dict[str, Callable[[], object]]:
    """Returns all operations of a store, by name."""
    artifact = artifact_key(ONE, 1, "x")
    return {
        "prepare": store.prepare,
        "put_file": lambda: store.put_file(paper, MIB),
        "put_artifact": lambda: store.put_artifact(artifact, b"x"),
        "read": lambda: store.read(MISSING),
        "stream": lambda: store.stream(MISSING),
        "open_local": lambda: store.open_local("0" * 64).__enter__(),
        "exists": lambda: store.exists(MISSING),
        "delete": lambda: store.delete(artifact),
        "delete_older": lambda: store.delete_older(artifact, 0),
        "delete_artifacts": lambda: store.delete_artifacts(ONE, 1, 9),
        "trash_pdf": lambda: store.trash_pdf("0" * 64),
        "listed": lambda: list(store.listed()),
    }


def not_rejected(store: BlobStore, paper: Path) -> list[str]:
    """Returns the operations that do not raise BlobStoreRefused."""
    passed = []
    for name, ask in operations(store, paper).items():
        try:
            ask()
        except BlobStoreRefused:
            continue
        passed.append(name)
    return passed


def test_s3_readiness_probe_leaves_no_blob(bucket: Bucket) -> None:
    BlobStore(bucket.uri).prepare()
    assert bucket.keys() == set()


def test_missing_bucket_is_refused_and_not_created(bucket: Bucket, paper: Path) -> None:
    assert not_rejected(BlobStore(f"s3://{bucket.name}-mistyped/papers"), paper) == []
    names = {one["Name"] for one in bucket.client.list_buckets()["Buckets"]}
    assert f"{bucket.name}-mistyped" not in names


def test_deleted_bucket_is_unavailable_not_missing_blobs(bucket: Bucket, paper: Path) -> None:
    store = BlobStore(bucket.uri)
    store.prepare()
    blob = store.put_file(paper, MIB)
    bucket.remove()
    for asked in (
        lambda: store.read(blob.key),
        lambda: store.check_readable(blob.sha256),
        lambda: store.exists(blob.key),
        lambda: store.put_file(paper, MIB),
        lambda: list(store.listed()),
        lambda: store.delete(blob.key),
    ):
        with pytest.raises(BlobStoreUnavailable):
            asked()
    bucket.client.create_bucket(Bucket=bucket.name)
    with pytest.raises(NotFound):
        store.read(blob.key)
    assert store.put_file(paper, MIB) == blob


def test_missing_blob_in_existing_bucket_raises_not_found(bucket: Bucket) -> None:
    store = BlobStore(bucket.uri)
    assert not store.exists(MISSING)
    with pytest.raises(NotFound):
        store.read(MISSING)


@pytest.mark.parametrize(
    ("action", "asked"),
    [("GetObject", "read"), ("PutObject", "put_file")],
)
def test_denied_s3_access_is_refused_not_missing(
    bucket: Bucket, paper: Path, action: str, asked: str
) -> None:
    store = BlobStore(bucket.uri)
    bucket.client.put_object(Bucket=bucket.name, Key=f"papers/{MISSING}", Body=PDF)
    bucket.deny(action)
    with pytest.raises(BlobStoreRefused):
        operations(store, paper)[asked]()
    with pytest.raises(BlobStoreRefused):
        store.prepare()


def test_s3_changes_of_other_processes_are_visible(bucket: Bucket) -> None:
    here, there = BlobStore(bucket.uri), BlobStore(bucket.uri)
    first, second = artifact_key(ONE, 1, "a"), artifact_key(ONE, 1, "b")
    here.put_artifact(first, b"x")
    assert here.exists(first) and len(list(here.listed())) == 1
    there.put_artifact(second, b"x")
    here.delete_artifacts(ONE, 1, 9)
    assert bucket.keys() == set()
    assert not there.exists(second) and not here.exists(first)
    there.put_artifact(first, b"x")
    assert here.exists(first)
    there.delete(first)
    assert not here.exists(first)


def test_wrong_s3_credentials_are_refused(
    bucket: Bucket, paper: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "moto.settings.INITIAL_NO_AUTH_ACTION_COUNT", 0
    )  # enables the authentication of moto
    assert not_rejected(BlobStore(bucket.uri), paper) == []


def test_s3_listing_spans_several_responses(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "10")  # instead of 1,000
    store = BlobStore(bucket.uri)
    keys = {artifact_key(ONE, 1, f"x{number}") for number in range(25)}
    for key in keys:
        bucket.client.put_object(Bucket=bucket.name, Key=f"papers/{key}", Body=b"x")
    assert {one.key for one in store.listed()} == keys
    store.delete_artifacts(ONE, 1, 9)
    assert bucket.keys() == set()


def test_s3_endpoint_down_fails_fast_and_is_logged_once(
    bucket: Bucket,
    paper: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(blob_backend, "OUTAGES", OutageLog("The file store"))
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    store = BlobStore(bucket.uri)
    with caplog.at_level(logging.WARNING, "runtime.outage_log"):
        for asked in ("read", "put_file", "exists", "prepare"):
            with pytest.raises(BlobStoreUnavailable) as refused:
                operations(store, paper)[asked]()
            assert not isinstance(refused.value, BlobStoreRefused)
    [said] = [record.getMessage() for record in caplog.records]
    assert "Could not connect" in said and "secret" not in said


def test_private_spool_is_deleted_at_exit(tmp_path: Path) -> None:
    script = (
        "from stores.blobs.blob_store import BlobStore; s = BlobStore('memory://x');"
        "s.put_artifact('artifacts/ab/doc_ab-1-x', b'x'); print(s._backend.spool)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    folder = Path(ran.stdout.strip())
    assert folder.parent == tmp_path and not folder.exists()
    store = BlobStore("memory://x")
    found = store._backend.spool.stat()
    assert (found.st_mode & 0o777, found.st_uid) == (0o700, os.geteuid())


def test_abandoned_private_spool_is_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    living = private_spool.PrivateSpool()
    dead = tmp_path / f"{private_spool.PREFIX}dead"
    young = tmp_path / f"{private_spool.PREFIX}young"
    for folder in (dead, young):
        folder.mkdir()
        (folder / "copy.pdf").write_bytes(PDF)
    target = tmp_path / "not-ours"
    target.mkdir()
    (tmp_path / f"{private_spool.PREFIX}link").symlink_to(target)
    long_ago = time.time() - 3600
    for folder in (dead, living.path):
        os.utime(folder, (long_ago, long_ago))
    other = private_spool.PrivateSpool()
    left = {other.path, living.path, young, target, tmp_path / f"{private_spool.PREFIX}link"}
    assert set(tmp_path.iterdir()) == left
