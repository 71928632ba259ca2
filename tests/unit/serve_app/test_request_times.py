"""Durations of requests: counted in memory, written from time to time, summed over processes."""

from __future__ import annotations

from collections.abc import Sequence

import httpx
import pytest

from domain.activity import Activity, percentile
from domain.activity import RequestTimes as MinuteTimes
from domain.errors import DatabaseUnavailable
from serve_app.api.request_times import RequestTimes
from tests.fakes.in_memory_state import State
from tests.fakes.in_memory_system import InMemoryActivityStore
from tests.timing import wait_until
from tests.unit.serve_app.library import Library, pdf
from tests.unit.serve_app.served import served


class CountingStore(InMemoryActivityStore):
    """A store that counts its writes, and can be away."""

    def __init__(self) -> None:
        super().__init__(State())
        self.writes = list[Sequence[MinuteTimes]]()
        self.is_away = False

    async def write(self, process: str, times: Sequence[MinuteTimes]) -> None:
        if self.is_away:
            raise DatabaseUnavailable
        self.writes.append(times)
        await super().write(process, times)


async def test_processes_are_summed() -> None:
    store, processes = CountingStore(), [RequestTimes(), RequestTimes()]
    for one in processes:
        one.observe(Activity.SEARCH, 0.02)
        await one.flush(store)
        one.observe(Activity.SEARCH, 0.02)
        await one.flush(store)
        await one.flush(store)
    assert len(store.writes) == 4, "nothing has changed before the last flush of each"
    hour = await store.last_hour()
    assert sum(sum(minute.searches) for minute in hour) == 4


async def test_counts_of_an_outage_are_written_afterwards() -> None:
    now = [600.0]
    store, times = CountingStore(), RequestTimes(lambda: now[0])
    store.is_away = True
    times.observe(Activity.UPLOAD, 0.1)
    with pytest.raises(DatabaseUnavailable):
        await times.flush(store)
    now[0] += 300
    times.observe(Activity.UPLOAD, 0.1)
    store.is_away = False
    await times.flush(store)
    assert [sum(one.counts) for one in store.writes[0]] == [1, 1]


async def test_memory_is_bounded_while_the_database_is_away() -> None:
    now = [0.0]
    store, times = CountingStore(), RequestTimes(lambda: now[0])
    for _ in range(500):
        now[0] += 60
        times.observe(Activity.SEARCH, 1)
        store.is_away = True
        with pytest.raises(DatabaseUnavailable):
            await times.flush(store)
    store.is_away = False
    await times.flush(store)
    assert len(store.writes[0]) == 60


async def test_requests_that_succeed_are_counted(library: Library) -> None:
    await library.upload(pdf("one"))
    await library.upload(b"no PDF")
    await library.search("anything")
    await library.http.get("/search?q=anything")
    await library.http.get("/search?q=")
    await library.search("anything", collection="unknown")
    await library.app.state.metrics.times.flush(library.activity)
    hour = await library.activity.last_hour()
    assert sum(sum(minute.uploads) for minute in hour) == 1
    assert sum(sum(minute.searches) for minute in hour) == 2
    assert all(percentile(minute.searches, 0.5) for minute in hour if sum(minute.searches))


def test_running_server_writes_its_counts(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serve_app.api.request_times.FLUSH_SECONDS", 0.02)
    with served(library) as url:
        body = {"query": "anything"}
        assert httpx.post(f"{url}/api/v1/search", json=body).status_code == 200
        wait_until(lambda: bool(library.activity.times))
