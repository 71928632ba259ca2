"""Hybrid searches with the ranking of the service (domain/search.py), answered from the index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from milvus_lite.adapter.grpc.errors import success_status_kwargs
from milvus_lite.adapter.grpc.reranker import parse_rank_params
from milvus_lite.adapter.grpc.translators.records import records_to_fields_data
from milvus_lite.adapter.grpc.translators.search import parse_search_request
from milvus_lite.engine.projection import build_projection_plan
from pymilvus.grpc_gen import common_pb2, milvus_pb2, schema_pb2

from domain.search import (
    NO_CANDIDATES,
    Candidates,
    Ranked,
    Retrieved,
    SearchMode,
    best_ranked,
)
from runtime.patches.milvus_lite_rows import read_rows
from stores.embedded.index_messages import conditions_of, index_of
from stores.embedded.indexed_collection import IndexedCollection
from stores.milvus.bm25 import best_possible, inverse_document_frequency
from stores.milvus.concurrent_retrieval import retrieve_both
from stores.milvus.shares_ranker import SCORES, Ranking, dump_scores, ranking_of
from stores.milvus.vector_schema import ROWS_PER_QUERY
from stores.search_index.chunk_index import ChunkIndex, Found
from stores.search_index.columns import Condition, UnsupportedFilter

DOCUMENT = "document_id"


@dataclass(frozen=True, slots=True)
class _Search:
    """A hybrid search of an index: the vector of the query, and how often each term occurs in
    it."""

    index: ChunkIndex
    ranking: Ranking
    conditions: Sequence[Condition]
    vector: np.ndarray | None
    frequencies: dict[int, float]

    def retrieved(self, wanted: int) -> Retrieved:
        """Returns the candidates of both searches, which run at the same time."""
        return retrieve_both(partial(self._nearest, wanted), partial(self._matching, wanted))

    def _nearest(self, wanted: int, document_of: dict[str, str]) -> Candidates:
        if self.vector is None or self.ranking.query.mode is SearchMode.SPARSE:
            return NO_CANDIDATES
        columns, required = self._columns, self.ranking.required_terms
        found = self.index.nearest(self.vector, wanted, self.conditions, columns, required)
        return _candidates(found, wanted, document_of)

    def _matching(self, wanted: int, document_of: dict[str, str]) -> Candidates:
        if not self.frequencies:
            return NO_CANDIDATES
        weights = self._weights()
        columns, required = self._columns, self.ranking.required_terms
        found = self.index.matching(weights, wanted, self.conditions, columns, required)
        return _candidates(found, wanted, document_of, best_possible(weights.values()))

    def _weights(self) -> dict[int, float]:
        """Returns the terms with their idf among all live rows, times their frequencies."""
        known, rows = self.index.frequencies(self.frequencies), len(self.index)
        return {
            term: frequency * inverse_document_frequency(rows, known[term])
            for term, frequency in self.frequencies.items()
        }

    @property
    def _columns(self) -> tuple[str, ...]:
        return (DOCUMENT,) if self.ranking.query.group_by_document else ()


def _candidates(
    found: Found, wanted: int, document_of: dict[str, str], best_possible: float = 1.0
) -> Candidates:
    document_of.update(zip(found.keys, found.columns.get(DOCUMENT, ()), strict=False))
    scores = dict(zip(found.keys, found.scores.tolist(), strict=True))
    return Candidates(scores, best_possible, is_all=len(scores) < wanted)


def hybrid_search(collection: IndexedCollection, request: Any) -> Any:
    """Returns the best rows with the requested fields and their scores, best first.

    Raises `UnsupportedFilter` for another ranker and for a filter that the index does not know.
    """
    ranking = ranking_of(parse_rank_params(request.rank_params))
    if ranking is None:
        raise UnsupportedFilter("The index does not know the ranker.")
    search = _search_of(collection, request, ranking)
    ranked = best_ranked(ranking.query, search.retrieved, ROWS_PER_QUERY)
    return _message(collection, _with_cosines(collection, ranked, search.vector), request)


def _search_of(collection: IndexedCollection, request: Any, ranking: Ranking) -> _Search:
    parsed = [parse_search_request(one) for one in request.requests]
    data = {one["anns_field"]: one["query_vectors"][0] for one in parsed}
    vector = np.array(data["dense"], np.float32) if "dense" in data else None
    conditions = conditions_of(collection, parsed[0]["expr"])
    return _Search(index_of(collection), ranking, conditions, vector, data.get("sparse", {}))


def _with_cosines(
    collection: IndexedCollection, ranked: list[Ranked], vector: np.ndarray | None
) -> list[Ranked]:
    """Returns the hits; those that were found by words only get their cosine, too."""
    if vector is None:
        return ranked
    lacking = [hit for hit in ranked if "dense" not in hit.scores]
    cosines = index_of(collection).cosines(vector, [hit.chunk_id for hit in lacking])
    for hit in lacking:
        if (cosine := cosines.get(hit.chunk_id)) is not None:
            hit.scores["dense"] = cosine
    return ranked


def _message(collection: IndexedCollection, ranked: Sequence[Ranked], request: Any) -> Any:
    key = collection.pk_field
    names = list(dict.fromkeys([key, *request.output_fields]))
    keys = [hit.chunk_id for hit in ranked]
    rows = {row[key]: row for row in read_rows(collection, keys, names)}
    shown = [hit for hit in ranked if hit.chunk_id in rows]  # others were deleted since
    plan = build_projection_plan(names, collection.schema, api_kind="search")
    records = [rows[hit.chunk_id] for hit in shown]
    return milvus_pb2.SearchResults(
        status=common_pb2.Status(**success_status_kwargs()),
        collection_name=collection.name,
        results=schema_pb2.SearchResultData(
            num_queries=1,
            top_k=len(shown),
            topks=[len(shown)],
            ids=schema_pb2.IDs(str_id=schema_pb2.StringArray(data=[one.chunk_id for one in shown])),
            scores=[hit.score for hit in shown],
            fields_data=[
                *records_to_fields_data(records, collection.schema, projection_plan=plan),
                _scores(shown),
            ],
            output_fields=[*names, SCORES],
            primary_field_name=key,
        ),
    )


def _scores(hits: Sequence[Ranked]) -> Any:
    texts = schema_pb2.StringArray(data=map(dump_scores, hits))
    return schema_pb2.FieldData(
        field_name=SCORES,
        type=schema_pb2.DataType.VarChar,
        scalars=schema_pb2.ScalarField(string_data=texts),
    )
