"""An in-memory fake of `stores.postgres.citation_store.CitationStore`."""

from __future__ import annotations

from collections.abc import Iterator

from domain.documents import DocumentStatus
from domain.jobs import CitationKey
from stores.postgres.citation_store import PREPRINTS
from tests.fakes.in_memory_state import DocumentEntry, State


class InMemoryCitationStore:
    """Matches every bibliography entry with every document of the collection."""

    def __init__(self, state: State) -> None:
        self.state = state

    async def links(self, document_id: str) -> dict[int, str]:
        """Like `CitationStore.links`."""
        citing = self.state.entries.get(document_id)
        if citing is None:
            return {}
        found = ((entry.ordinal, self._best(entry, citing)) for entry in citing.cited)
        return {ordinal: name for ordinal, name in found if name is not None}

    async def cited_by(self, document_id: str) -> list[str]:
        """Like `CitationStore.cited_by`."""
        citing = [
            (stored.document.created_at, stored.document.document_id)
            for stored in self._alive()
            if document_id in (await self.links(stored.document.document_id)).values()
        ]
        return [name for _, name in sorted(citing, reverse=True)]

    def _alive(self) -> Iterator[DocumentEntry]:
        for stored in self.state.entries.values():
            if stored.document.status != DocumentStatus.DELETED:
                yield stored

    def _best(self, entry: CitationKey, citing: DocumentEntry) -> str | None:
        others = [
            (rank, stored.document.document_id)
            for stored in self._alive()
            if stored.document.collection == citing.document.collection
            and stored is not citing
            and (rank := _rank(entry, stored))
        ]
        return min(others)[1] if others else None


def _rank(entry: CitationKey, stored: DocumentEntry) -> int:
    """Returns 1 for the same DOI, 2 for the same arXiv id, 3 for the same title, else 0."""
    document = stored.document
    if entry.doi and entry.doi == document.doi:
        return 1
    if entry.arxiv_id and entry.arxiv_id == document.arxiv_id:
        return 2
    if not entry.title_key or entry.title_key != stored.title_key:
        return 0
    if entry.year and document.year and abs(entry.year - document.year) > 1:
        return 0
    return 0 if _are_two_papers(entry.doi, document.doi) else 3


def _are_two_papers(one: str | None, other: str | None) -> bool:
    return bool(one and other and not one.startswith(PREPRINTS) and not other.startswith(PREPRINTS))
