"""The cleanup erases what commits made obsolete; a store that is away only delays it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from actors.store_cleanup import HIDE_SECONDS
from domain.deletions import VersionRange
from domain.errors import BlobStoreUnavailable, VectorStoreUnavailable
from domain.jobs import Lane, Upload
from tests.unit.actors.desk import House

PAPER = Upload("a.pdf", "a" * 64, 10)


async def delete_one(house: House, collection: str = "papers") -> str:
    """The id of a document that was uploaded and deleted."""
    [admission] = await house.stores.jobs.admit(collection, [PAPER], lane=Lane.BULK)
    await house.stores.documents.delete(admission.document_id)
    return admission.document_id


async def test_a_deleted_document_is_erased_and_its_pdf_goes_to_the_trash() -> None:
    house = House()
    name = await delete_one(house)
    assert await house.cleanup.run_once() == 1
    assert house.eraser.erased == [VersionRange(name, 0, 1)]
    assert house.eraser.trashed == [PAPER.sha256] and not house.eraser.restored
    assert await house.cleanup.run_once() == 0


@pytest.mark.parametrize("error", [VectorStoreUnavailable(), RuntimeError("a worker died")])
async def test_what_could_not_be_erased_stays_in_the_queue_and_is_tried_again(
    error: Exception,
) -> None:
    house = House()
    name = await delete_one(house)
    house.eraser.error = error
    with pytest.raises(type(error)):
        await house.cleanup.run_once()
    assert house.doomed() == [VersionRange(name, 0, 1)]
    house.eraser.error = None
    assert await house.cleanup.run_once() == 0, "it is hidden for a while"
    house.clock.pass_seconds(HIDE_SECONDS)
    assert await house.cleanup.run_once() == 1
    assert house.eraser.erased == [VersionRange(name, 0, 1)]


async def test_a_deletion_that_always_fails_holds_no_other_up() -> None:
    house = House()
    names = [await delete_one(house, collection) for collection in ("one", "two", "three")]
    erase = house.eraser.delete_versions

    def fail_for_the_second(ranges: Sequence[VersionRange]) -> None:
        if any(one.document_id == names[1] for one in ranges):
            raise RuntimeError("an answer that nobody expected")
        erase(ranges)

    house.eraser.delete_versions = fail_for_the_second
    assert await house.cleanup.run_once() == 3
    assert house.doomed() == [VersionRange(names[1], 0, 1)]
    house.clock.pass_seconds(HIDE_SECONDS)
    with pytest.raises(RuntimeError):
        await house.cleanup.run_once()
    assert house.doomed() == [VersionRange(names[1], 0, 1)]


async def test_a_pdf_that_another_document_uses_stays() -> None:
    house = House()
    await house.stores.jobs.admit("other", [PAPER], lane=Lane.BULK)
    await delete_one(house)
    assert await house.cleanup.run_once() == 1
    assert house.eraser.trashed == []


async def test_a_pdf_that_is_uploaded_while_it_goes_to_the_trash_is_restored() -> None:
    house = House()
    await delete_one(house)
    loop = asyncio.get_running_loop()
    again = house.stores.jobs.admit("papers", [PAPER], lane=Lane.BULK)

    def upload() -> None:
        asyncio.run_coroutine_threadsafe(again, loop).result()

    house.eraser.meanwhile = upload
    await house.cleanup.run_once()
    assert house.eraser.trashed == house.eraser.restored == [PAPER.sha256]


async def test_the_loop_outlives_errors_and_a_hint_wakes_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("actors.store_cleanup.PAUSE_SECONDS", 0.01)
    monkeypatch.setattr("actors.store_cleanup.HIDE_SECONDS", 0.0)
    house = House()
    house.cleanup.poll_seconds = 3600
    await delete_one(house)
    house.eraser.error = BlobStoreUnavailable()
    serving = asyncio.create_task(house.cleanup.serve())
    async with asyncio.timeout(10):
        await asyncio.sleep(0.05)
        house.eraser.error = None
        while house.doomed():  # noqa: ASYNC110 - the queue has no event to wait for
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.05)  # now it waits for the next poll, in an hour
        await delete_one(house)
        house.cleanup.wake()
        while house.doomed():  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
