"""A pytest plugin: servers that several test modules share end with the last test that uses them.

pytest ends a session fixture with the session. An idle service uses a fifth of a core and an idle
Ray cluster a tenth, which all later tests would lack.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TypeVar

import pytest

SHARED = ("cluster", "service", "closed")
"""Session fixtures. The modules that use one of them run one after another, in this order."""
_Server = TypeVar("_Server")
_GROUP = pytest.StashKey[int]()
_SERVERS = pytest.StashKey[defaultdict[int, ExitStack]]()


@pytest.hookimpl(trylast=True)  # after pytest-randomly has shuffled the modules
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Moves the modules that use the same shared server next to each other.

    They precede all others; the order of modules in a group is kept.
    """
    fixtures = defaultdict[str, set[str]](set)
    for item in items:
        fixtures[str(item.path)].update(getattr(item, "fixturenames", ()))
    for item in items:
        item.stash[_GROUP] = _group(fixtures[str(item.path)])
    items.sort(key=lambda item: item.stash[_GROUP])


def _group(fixtures: set[str]) -> int:
    """Returns the number of the shared server among the fixtures, or one above all of them."""
    return next((number for number, name in enumerate(SHARED) if name in fixtures), len(SHARED))


@contextmanager
def until_last_use(
    config: pytest.Config, name: str, server: AbstractContextManager[_Server]
) -> Iterator[_Server]:
    """Yields the entered server of a group; its last test or the end of the block exits it.

    Servers of a group are exited in reverse order.
    """
    with _servers(config)[SHARED.index(name)] as stack:
        yield stack.enter_context(server)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None]:
    """Ends the servers of the test's group unless the next test belongs to it."""
    yield
    group = item.stash[_GROUP]
    if nextitem is None or nextitem.stash[_GROUP] != group:
        _servers(item.config)[group].close()


def _servers(config: pytest.Config) -> defaultdict[int, ExitStack]:
    """Returns the running servers of each group."""
    return config.stash.setdefault(_SERVERS, defaultdict(ExitStack))
