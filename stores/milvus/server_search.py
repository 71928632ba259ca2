"""Searches of a Milvus server: by embedding and by words at the same time, then the rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from domain.documents import Passage
from domain.search import (
    NO_CANDIDATES,
    Candidates,
    Ranked,
    Retrieved,
    SearchMode,
    SearchQuery,
    best_ranked,
)
from stores.milvus.bm25 import SampledStatistics, best_possible, query_vector
from stores.milvus.concurrent_retrieval import retrieve_both
from stores.milvus.vector_schema import (
    ROW_FIELDS,
    ROWS_PER_QUERY,
    MilvusCall,
    chunk_of,
    filter_of,
)

Rows = Callable[[list[str], Sequence[str]], Mapping[str, Mapping[str, Any]]]


class ServerSearch:
    """`rows` returns these fields of the rows with these keys, by key."""

    def __init__(self, call: MilvusCall, rows: Rows, statistics: SampledStatistics) -> None:
        self._call, self._rows, self._statistics = call, rows, statistics

    def search(self, query: SearchQuery, vector: np.ndarray | None) -> list[Passage]:
        """Returns the best passages, best first; `vector` is the query embedding, if there is
        one."""
        ranked = best_ranked(query, partial(self._retrieved, query, vector), ROWS_PER_QUERY)
        return self._passages(ranked, vector)

    def _retrieved(self, query: SearchQuery, vector: np.ndarray | None, wanted: int) -> Retrieved:
        return retrieve_both(
            partial(self._search_embedding, query, vector, wanted),
            partial(self._search_words, query, wanted),
        )

    def _search_embedding(
        self,
        query: SearchQuery,
        vector: np.ndarray | None,
        wanted: int,
        document_of: dict[str, str],
    ) -> Candidates:
        if query.mode is SearchMode.SPARSE:
            return NO_CANDIDATES
        embedding = np.asarray(vector, dtype=np.float32).reshape(-1)
        return self._search_field("dense", embedding, query, wanted, document_of)

    def _search_words(
        self, query: SearchQuery, wanted: int, document_of: dict[str, str]
    ) -> Candidates:
        if query.mode is SearchMode.DENSE:
            return NO_CANDIDATES
        weights = query_vector(query.text, self._statistics.current())
        if not weights:
            return NO_CANDIDATES
        found = self._search_field("sparse", weights, query, wanted, document_of)
        return replace(found, best_possible=best_possible(weights.values()))

    def _search_field(
        self,
        field: str,
        data: np.ndarray | Mapping[int, float],
        query: SearchQuery,
        wanted: int,
        document_of: dict[str, str],
    ) -> Candidates:
        """Searches one vector field; adds the document id of each hit to `document_of` if the query
        groups by document."""
        [hits] = self._call(
            "search",
            filter_of(query),
            data=[data],
            anns_field=field,
            limit=wanted,
            output_fields=["document_id"] if query.group_by_document else [],
        )
        if query.group_by_document:
            document_of.update((hit["chunk_id"], hit["entity"]["document_id"]) for hit in hits)
        scores = {hit["chunk_id"]: float(hit["distance"]) for hit in hits}
        return Candidates(scores, is_all=len(scores) < wanted)

    def _passages(self, ranked: Sequence[Ranked], vector: np.ndarray | None) -> list[Passage]:
        lacks_cosine = vector is not None and any("dense" not in one.scores for one in ranked)
        fields = [*ROW_FIELDS, "dense"] if lacks_cosine else ROW_FIELDS
        rows = self._rows([candidate.chunk_id for candidate in ranked], fields)
        return [
            Passage(
                chunk_of(row),
                row["collection"],
                one.score,
                _cosine_score(row, vector) | one.scores,
                one.parts,
            )
            for one in ranked
            if (row := rows.get(one.chunk_id))  # else deleted since the search
        ]


def _cosine_score(row: Mapping[str, Any], vector: np.ndarray | None) -> dict[str, float]:
    """Returns the cosine of a row that contains its vector; nothing for other rows."""
    if vector is None or "dense" not in row:
        return {}
    return {"dense": _cosine(row["dense"], vector)}


def _cosine(one: Sequence[float], two: np.ndarray) -> float:
    """Returns the cosine of the angle between two vectors."""
    first, second = np.asarray(one, np.float32), np.asarray(two, np.float32).reshape(-1)
    return float(first @ second / (np.linalg.norm(first) * np.linalg.norm(second)))
