"""The names of renamed collections, for the request that is being answered.

A collection is identified by the name that it was created with: ids of documents and jobs, rows of
Milvus, keys and webhooks contain that id. Requests and responses contain its present name. Names
are translated where requests are validated and where responses are serialized, nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class CollectionNames:
    """The present names of the renamed collections, by id. Others have their id as name."""

    by_id: Mapping[str, str] = field(default_factory=dict)

    def name_of(self, collection_id: str) -> str:
        """Returns the present name of a collection."""
        return self.by_id.get(collection_id, collection_id)

    def id_of(self, name: str) -> str:
        """Returns the collection that has this name now, else the one that it identifies.

        The first name of a renamed collection therefore still leads to it.
        """
        return next((one for one, present in self.by_id.items() if present == name), name)

    def limited_to(self, collections: Collection[str] | None) -> CollectionNames:
        """Returns the names of these collections; others are translated neither way."""
        if collections is None or not self.by_id:
            return self
        return CollectionNames({one: self.by_id[one] for one in collections if one in self.by_id})


_NAMES: ContextVar[Callable[[], CollectionNames]] = ContextVar("names", default=CollectionNames)


@contextmanager
def naming(names: CollectionNames | Exception) -> Iterator[None]:
    """Uses these names inside the block; an error is raised when the first name is needed."""

    def current() -> CollectionNames:
        if isinstance(names, Exception):
            raise names
        return names

    token = _NAMES.set(current)
    try:
        yield
    finally:
        _NAMES.reset(token)


def name_of(collection_id: str) -> str:
    """Returns the present name of a collection."""
    return _NAMES.get()().name_of(collection_id)


def id_of(name: str) -> str:
    """Returns the id of the collection that a request names."""
    return _NAMES.get()().id_of(name)
