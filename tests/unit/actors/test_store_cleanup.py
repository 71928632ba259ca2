"""StoreCleanup: deletes obsolete versions; an unavailable store only delays the deletion."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from actors.store_cleanup import VISIBILITY_TIMEOUT_SECONDS
from domain.deletions import VersionRange
from domain.errors import BlobStoreUnavailable, VectorStoreUnavailable
from domain.jobs import Lane, Upload
from tests.unit.actors.lane_harness import LaneHarness

PAPER = Upload("a.pdf", "a" * 64, 10)


async def delete_one(harness: LaneHarness, collection: str = "papers") -> str:
    """Uploads and deletes a document; returns its id."""
    [admission] = await harness.stores.jobs.admit(collection, [PAPER], lane=Lane.BULK)
    await harness.stores.documents.delete(admission.document_id)
    return admission.document_id


async def test_cleanup_deletes_versions_and_trashes_pdf() -> None:
    harness = LaneHarness()
    name = await delete_one(harness)
    assert await harness.cleanup.run_once() == 1
    assert harness.eraser.erased == [VersionRange(name, 0, 1)]
    assert harness.eraser.trashed == [PAPER.sha256] and not harness.eraser.restored
    assert await harness.cleanup.run_once() == 0


@pytest.mark.parametrize("error", [VectorStoreUnavailable(), RuntimeError("a worker died")])
async def test_cleanup_retries_failed_deletion(
    error: Exception,
) -> None:
    harness = LaneHarness()
    name = await delete_one(harness)
    harness.eraser.error = error
    with pytest.raises(type(error)):
        await harness.cleanup.run_once()
    assert harness.queued_deletions() == [VersionRange(name, 0, 1)]
    harness.eraser.error = None
    assert await harness.cleanup.run_once() == 0, (
        "the claimed row is hidden until the visibility timeout"
    )
    harness.clock.advance(VISIBILITY_TIMEOUT_SECONDS)
    assert await harness.cleanup.run_once() == 1
    assert harness.eraser.erased == [VersionRange(name, 0, 1)]


async def test_cleanup_isolates_deletion_that_always_fails() -> None:
    harness = LaneHarness()
    names = [await delete_one(harness, collection) for collection in ("one", "two", "three")]
    erase = harness.eraser.delete_versions

    def fail_for_the_second(ranges: Sequence[VersionRange]) -> None:
        if any(one.document_id == names[1] for one in ranges):
            raise RuntimeError("unexpected response")
        erase(ranges)

    harness.eraser.delete_versions = fail_for_the_second
    assert await harness.cleanup.run_once() == 3
    assert harness.queued_deletions() == [VersionRange(names[1], 0, 1)]
    harness.clock.advance(VISIBILITY_TIMEOUT_SECONDS)
    with pytest.raises(RuntimeError):
        await harness.cleanup.run_once()
    assert harness.queued_deletions() == [VersionRange(names[1], 0, 1)]


async def test_cleanup_keeps_pdf_used_by_another_document() -> None:
    harness = LaneHarness()
    await harness.stores.jobs.admit("other", [PAPER], lane=Lane.BULK)
    await delete_one(harness)
    assert await harness.cleanup.run_once() == 1
    assert harness.eraser.trashed == []


async def test_cleanup_restores_pdf_uploaded_during_trashing() -> None:
    harness = LaneHarness()
    await delete_one(harness)
    loop = asyncio.get_running_loop()
    again = harness.stores.jobs.admit("papers", [PAPER], lane=Lane.BULK)

    def upload() -> None:
        asyncio.run_coroutine_threadsafe(again, loop).result()

    harness.eraser.meanwhile = upload
    await harness.cleanup.run_once()
    assert harness.eraser.trashed == harness.eraser.restored == [PAPER.sha256]


async def test_cleanup_loop_survives_errors_and_wakes_on_hint(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("actors.store_cleanup.RETRY_SECONDS", 0.01)
    monkeypatch.setattr("actors.store_cleanup.VISIBILITY_TIMEOUT_SECONDS", 0.0)
    harness = LaneHarness()
    harness.cleanup.poll_seconds = 3600
    await delete_one(harness)
    harness.eraser.error = BlobStoreUnavailable()
    running = asyncio.create_task(harness.cleanup.run())
    async with asyncio.timeout(10):
        await asyncio.sleep(0.05)
        harness.eraser.error = None
        while harness.queued_deletions():  # noqa: ASYNC110 - the queue has no event to wait for
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.05)  # the next poll is in an hour
        await delete_one(harness)
        harness.cleanup.wake()
        while harness.queued_deletions():  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
