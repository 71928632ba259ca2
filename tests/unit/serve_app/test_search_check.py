"""The check `search` of /readyz answers a search, and makes the process warm once."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import numpy as np
import pytest

from domain.errors import DatabaseUnavailable, ServiceNotReady
from runtime.garbage import NEW_OBJECTS, keep_loaded
from serve_app.api.search_check import SearchCheck
from tests.unit.serve_app.library import Library


@pytest.fixture(autouse=True)
def unfrozen() -> Iterator[None]:
    """Returns all objects to the garbage collector, before and after the test."""
    threshold = gc.get_threshold()
    keep_loaded.cache_clear()
    gc.unfreeze()
    yield
    keep_loaded.cache_clear()
    gc.unfreeze()
    gc.set_threshold(*threshold)


class Warmed:
    """Counts openings of connections; the first one fails if `is_away`."""

    def __init__(self, *, is_away: bool = False) -> None:
        self.openings, self.is_away = 0, is_away

    async def open(self) -> None:
        self.openings += 1
        if self.is_away:
            self.is_away = False
            raise DatabaseUnavailable


def check_of(library: Library, warmed: Warmed, *, has_model: bool = True) -> SearchCheck:
    async def probe_vector() -> np.ndarray:
        if not has_model:
            raise ServiceNotReady
        return await library.services.embed_query("ready?")

    return SearchCheck(library.services, probe_vector, warmed.open)


async def test_first_answered_search_opens_the_connections_once(library: Library) -> None:
    warmed = Warmed()
    check = check_of(library, warmed)
    for _ in range(2):
        await check.check()
    assert warmed.openings == 1
    assert gc.get_freeze_count() > 0


async def test_connections_that_were_not_opened_are_opened_by_the_next_check(
    library: Library,
) -> None:
    warmed = Warmed(is_away=True)
    check = check_of(library, warmed)
    with pytest.raises(DatabaseUnavailable):
        await check.check()
    await check.check()
    assert warmed.openings == 2


async def test_process_without_an_answer_stays_cold(library: Library) -> None:
    warmed = Warmed()
    with pytest.raises(ServiceNotReady):
        await check_of(library, warmed, has_model=False).check()
    assert warmed.openings == 0


def test_kept_objects_are_exempt_and_later_ones_are_collected() -> None:
    keep_loaded()
    kept = gc.get_freeze_count()
    cycle = Cycle()
    later = weakref.ref(cycle)
    del cycle
    keep_loaded()  # does nothing the second time
    gc.collect()
    assert later() is None
    # Exempt objects end like all others when nothing refers to them.
    assert 10_000 < gc.get_freeze_count() <= kept
    assert gc.get_threshold()[0] == NEW_OBJECTS


class Cycle:
    """An object that refers to itself, so that only the collector ends it."""

    def __init__(self) -> None:
        self.itself = self
