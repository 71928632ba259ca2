"""A folder that the server reads: registered as a job, also across the death of the JobManager."""

from __future__ import annotations

import os
import shutil
import signal
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from serve_app.client import Client, PaperworksProblem
from tests.chaos.test_kills import wait_for_end
from tests.programs import Driver
from tests.service import RunningService

pytestmark = pytest.mark.servers


@pytest.fixture
def library(service: RunningService) -> Iterator[Client]:
    with Client(service.url) as client:
        yield client


@pytest.fixture
def folder(server_folders: Path, small_papers: list[Path]) -> Path:
    """Twelve papers in three folders, three of one name, with entries that are no papers."""
    folder = server_folders / uuid.uuid4().hex[:8]
    for number, paper in enumerate(small_papers[:12]):
        place = folder / f"part {number % 3}"
        place.mkdir(parents=True, exist_ok=True)
        shutil.copy(paper, place / ("main.pdf" if number < 3 else paper.name.upper()))
    (folder / "placeholder.pdf").touch()
    (folder / ".DS_Store").write_bytes(b"Bud1")
    (folder / "bundle.pdf").mkdir()
    (folder / "dangling.pdf").symlink_to(folder / "missing.pdf")
    (folder / "outside.pdf").symlink_to(small_papers[13])
    return folder


def test_folder_is_registered_once_despite_a_killed_job_manager(
    library: Client, driver: Driver, folder: Path
) -> None:
    collection = f"folder-{uuid.uuid4().hex[:8]}"
    job_id = library.register_folder(str(folder), collection).job_id
    os.kill(driver.call("pids")["job_manager"], signal.SIGKILL)
    job = wait_for_end(library, job_id)
    assert (job.status, job.counts.completed, job.counts.total) == ("completed", 12, 12)
    assert job.folder is not None and job.folder.registered == 12
    refused = {one.filename: one.code for one in job.folder.refused}
    assert refused.keys() >= {"placeholder.pdf", "dangling.pdf", "outside.pdf"}
    listed = library.documents(collection=collection, limit=100).items
    assert len(listed) == len({one.sha256 for one in listed}) == 12
    names = {one.filename for one in listed}
    assert names >= {f"part {number}/main.pdf" for number in range(3)}

    again = wait_for_end(library, library.register_folder(str(folder), collection).job_id)
    assert again.status == "completed"
    assert again.folder is not None and again.folder.known == 12
    assert library.documents(collection=collection, limit=100).items == listed


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("missing", "folder_not_found"),
        ("../../..", "folder_not_allowed"),
        ("/etc", "folder_not_allowed"),
    ],
)
def test_folder_outside_of_the_setting_is_refused(
    library: Client, server_folders: Path, path: str, code: str
) -> None:
    with pytest.raises(PaperworksProblem) as refused:
        library.register_folder(str(server_folders / path))
    assert refused.value.code == code
