"""An in-memory fake of `stores.milvus.vector_store.VectorStore` with exact search."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from domain.documents import Chunk, Passage
from domain.errors import InternalError
from domain.search import (
    NO_CANDIDATES,
    Candidates,
    Ranked,
    SearchMode,
    SearchQuery,
    rank,
)
from stores.milvus.bm25 import TermStatistics, best_possible, query_vector, term_number, text_vector


@dataclass(frozen=True, slots=True)
class _Entry:
    chunk: Chunk
    collection: str
    dense: np.ndarray
    sparse: Mapping[int, float]


class InMemoryVectorStore:
    """A fake of `VectorStore`, without a server."""

    def __init__(self, dimension: int) -> None:
        self.dimension = dimension
        self._entries: dict[str, _Entry] = {}
        self._library_id: str | None = None

    def prepare(self) -> None:
        """Does nothing."""

    def activate(self) -> None:
        """Does nothing."""

    def exists(self) -> bool:
        """Like `VectorStore.exists`."""
        return True

    def library_id(self) -> str | None:
        """Like `VectorStore.library_id`."""
        return self._library_id

    def set_library_id(self, library_id: str) -> None:
        """Like `VectorStore.set_library_id`."""
        self._library_id = library_id

    def some_documents(self) -> set[str]:
        """Like `VectorStore.some_documents`."""
        return {entry.chunk.document_id for entry in self._entries.values()}

    def ping(self) -> None:
        """Does nothing: always available."""

    def close(self) -> None:
        """Does nothing."""

    def upsert(self, chunks: Sequence[Chunk], vectors: np.ndarray, *, collection: str) -> None:
        """Like `VectorStore.upsert`."""
        if np.shape(vectors) != (len(chunks), self.dimension):
            raise InternalError(f"Vectors of shape {np.shape(vectors)} do not fit these chunks.")
        for chunk, vector in zip(chunks, vectors, strict=True):
            sparse = text_vector(chunk.indexed_text)
            self._entries[chunk.chunk_id] = _Entry(chunk, collection, _unit(vector), sparse)

    def search(self, query: SearchQuery, vector: np.ndarray | None) -> list[Passage]:
        """Like `VectorStore.search`."""
        if vector is None and query.mode is not SearchMode.SPARSE:
            raise InternalError("A dense or hybrid search needs the vector of the query.")
        wanted = len(self._entries) if query.group_by_document else query.candidates
        dense, sparse = NO_CANDIDATES, NO_CANDIDATES
        if query.mode is not SearchMode.SPARSE:
            embedding = _unit(np.asarray(vector))
            near = self._best(query, wanted, lambda entry: float(entry.dense @ embedding))
            dense = Candidates(near, is_all=len(near) < wanted)
        if query.mode is not SearchMode.DENSE:
            weights = query_vector(query.text, self._statistics())
            worded = self._best(query, wanted, lambda entry: _inner(weights, entry.sparse))
            worded = {key: score for key, score in worded.items() if score > 0}
            best = best_possible(weights.values())
            sparse = Candidates(worded, best, is_all=len(worded) < wanted)
        documents = {key: entry.chunk.document_id for key, entry in self._entries.items()}
        document_of = documents if query.group_by_document else None
        ranked = rank(query.mode, dense, sparse, limit=query.limit, document_of=document_of)
        return [self._passage(candidate, vector) for candidate in ranked]

    def chunks(
        self, document_id: str, version: int, *, offset: int = 0, limit: int = 100
    ) -> list[Chunk]:
        """Like `VectorStore.chunks`."""
        chunks = [c for c in self._chunks_of(document_id) if c.version == version]
        chunks.sort(key=lambda chunk: (chunk.ordinal, chunk.chunk_id))
        return chunks[offset : offset + limit]

    def stored(self, document_id: str, version: int) -> list[tuple[Chunk, np.ndarray]]:
        """Like `VectorStore.stored`."""
        entries = list(self._entries.values())
        chosen = [entry for entry in entries if entry.chunk.document_id == document_id]
        return [(entry.chunk, entry.dense) for entry in chosen if entry.chunk.version == version]

    def delete_chunks(self, chunk_ids: Collection[str]) -> None:
        """Like `VectorStore.delete_chunks`."""
        for chunk_id in chunk_ids:
            self._entries.pop(chunk_id, None)

    def delete_versions(self, document_id: str, first: int, last: int) -> None:
        """Like `VectorStore.delete_versions`."""
        for chunk in self._chunks_of(document_id):
            if first <= chunk.version <= last:
                del self._entries[chunk.chunk_id]

    def count(self, document_id: str, version: int) -> int:
        """Like `VectorStore.count`."""
        return sum(chunk.version == version for chunk in self._chunks_of(document_id))

    def delete_version(self, document_id: str, version: int) -> None:
        """Like `VectorStore.delete_version`."""
        for chunk in self._chunks_of(document_id):
            if chunk.version == version:
                del self._entries[chunk.chunk_id]

    def total(self) -> int:
        """Like `VectorStore.total`."""
        return len(self._entries)

    def contents(self) -> dict[tuple[str, int], int]:
        """Like `VectorStore.contents`."""
        chunks = [entry.chunk for entry in list(self._entries.values())]
        return dict(Counter((chunk.document_id, chunk.version) for chunk in chunks))

    def chunk_ids(self, document_id: str) -> set[str]:
        """Like `VectorStore.chunk_ids`."""
        return {chunk.chunk_id for chunk in self._chunks_of(document_id)}

    def _chunks_of(self, document_id: str) -> list[Chunk]:
        chunks = [entry.chunk for entry in list(self._entries.values())]
        return [chunk for chunk in chunks if chunk.document_id == document_id]

    def _best(
        self, query: SearchQuery, wanted: int, score: Callable[[_Entry], float]
    ) -> dict[str, float]:
        matching = (e for e in list(self._entries.values()) if _matches(query, e))
        scored = {entry.chunk.chunk_id: score(entry) for entry in matching}
        best = sorted(scored.items(), key=lambda item: (-item[1], item[0]))
        return dict(best[:wanted])

    def _statistics(self) -> TermStatistics:
        return TermStatistics(entry.sparse for entry in list(self._entries.values()))

    def _passage(self, candidate: Ranked, vector: np.ndarray | None) -> Passage:
        entry = self._entries[candidate.chunk_id]
        scores = {} if vector is None else {"dense": float(entry.dense @ _unit(np.asarray(vector)))}
        merged = scores | candidate.scores
        return Passage(entry.chunk, entry.collection, candidate.score, merged, candidate.parts)


def _matches(query: SearchQuery, entry: _Entry) -> bool:
    chunk = entry.chunk
    return (
        query.collection in (None, entry.collection)
        and (query.among is None or entry.collection in query.among)
        and _is_among(chunk.document_id, query.document_ids)
        and _is_among(chunk.kind, query.kinds)
        and (query.page_first is None or chunk.page_last >= query.page_first)
        and (query.page_last is None or chunk.page_first <= query.page_last)
        and entry.sparse.keys() >= set(map(term_number, query.required_terms))
    )


def _is_among(value: str, allowed: Iterable[str]) -> bool:
    allowed = tuple(allowed)
    return not allowed or value in allowed


def _unit(vector: np.ndarray) -> np.ndarray:
    vector = np.asarray(vector, dtype=np.float32).reshape(-1)
    return vector / max(float(np.linalg.norm(vector)), 1e-12)


def _inner(query: Mapping[int, float], text: Mapping[int, float]) -> float:
    return sum(weight * text.get(number, 0.0) for number, weight in query.items())
