"""The bulk program against a fake Ray cluster and in-memory stores."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import typer

from configs.settings import Settings
from serve_app import bulk
from tests.fakes.in_memory_collections import InMemoryCollectionStore
from tests.fakes.in_memory_jobs import InMemoryStores
from tests.unit.serve_app.library import pdf


class Remote:
    """A method of an actor handle; `remote` returns the result itself."""

    def __init__(self, result: Any = None) -> None:
        self.result = result
        self.calls = 0

    def remote(self, *_arguments: Any) -> Any:
        self.calls += 1
        return self.result


class FakeRay:
    """A Ray cluster with a JobManager that returns this description."""

    def __init__(self, description: dict[str, Any]) -> None:
        self.describe = Remote(description)
        self.wake = Remote()

    def is_initialized(self) -> bool:
        return True

    def get_actor(self, _name: str, **_options: Any) -> FakeRay:
        return self

    def get(self, result: Any) -> Any:
        return result


class Cluster:
    """A running service with these settings, and the limits that the bulk program applied."""

    def __init__(self, settings: Settings, blobs: Path) -> None:
        self.ray = FakeRay(
            {
                "database_url": "postgresql://paperworks@127.0.0.1:1/paperworks",
                "blob_uri": f"file://{blobs}",
                "settings": settings.without_secrets(),
                "store_problems": [],
            }
        )
        self.stores = InMemoryStores()
        self.limits: dict[str, Any] = {}

    def job_store(self, _database: Any, **limits: Any) -> Any:
        """Replaces `JobStore`."""
        self.limits = limits
        return self.stores.jobs

    def collection_store(self, _database: Any) -> InMemoryCollectionStore:
        """Replaces `CollectionStore`."""
        return InMemoryCollectionStore(self.stores.state, self.stores.documents)


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    monkeypatch.setenv("PAPERWORKS_HOME", str(tmp_path / "home"))
    settings = Settings.model_validate(
        {
            "home": tmp_path / "home",
            "jobs": {"queue_limit": 7, "max_attempts": 9},
            "http": {"upload_limit_bytes": 100},
        }
    )
    cluster = Cluster(settings, tmp_path / "blobs")
    monkeypatch.setattr(bulk, "ray", cluster.ray)
    monkeypatch.setattr(bulk, "JobStore", cluster.job_store)
    monkeypatch.setattr(bulk, "CollectionStore", cluster.collection_store)
    return cluster


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one PDF below the upload limit and one above it."""
    folder = tmp_path / "papers"
    folder.mkdir()
    (folder / "small.pdf").write_bytes(pdf("small"))
    (folder / "large.pdf").write_bytes(pdf("large", filler=200))
    return folder


def test_bulk_applies_the_limits_of_the_running_service(cluster: Cluster, folder: Path) -> None:
    result = bulk.main(folder, "papers", "auto", wait=False)
    assert [one.filename for one in result.refused] == ["large.pdf"]
    assert (result.new, result.known, result.exit_status) == (1, 0, 1)
    assert (cluster.limits["queue_limit"], cluster.limits["max_attempts"]) == (7, 9)
    [job] = asyncio.run(cluster.stores.jobs.jobs()).items
    [task] = asyncio.run(cluster.stores.jobs.tasks(job.job_id))
    assert task.filename == "small.pdf"
    assert cluster.ray.wake.calls == 1


def test_bulk_reports_known_and_refused_papers(
    cluster: Cluster, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bulk.main(folder, "papers", "auto", wait=False)
    (folder / "new.pdf").write_bytes(pdf("new"))
    (folder / "gone.pdf").symlink_to(folder / "nowhere")
    (folder / "folder.pdf").mkdir()
    result = bulk.main(folder, "papers", "auto", wait=False)
    assert (result.new, result.known, result.refused_files, result.exit_status) == (1, 1, 2, 1)
    printed = capsys.readouterr().out.splitlines()[-1]
    assert printed.endswith("1 new, 1 already in the library, 2 refused.")


def test_bulk_without_pdf_is_wrong_use(cluster: Cluster, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(typer.Exit) as left:
        bulk.main(empty, "papers", "auto", wait=False)
    assert left.value.exit_code == 2


def test_bulk_registers_to_a_renamed_collection(cluster: Cluster, folder: Path) -> None:
    bulk.main(folder, "physics", "auto", wait=False)
    names = cluster.collection_store(None)
    asyncio.run(names.change("physics", {"name": "optics"}))
    again = bulk.main(folder, "optics", "auto", wait=False)
    assert (again.collection, again.new, again.known) == ("optics", 0, 1)
