"""Searches of the embedded server: one call, whose response has the ranked rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from domain.documents import Passage
from domain.search import SearchMode, SearchQuery
from runtime.patches.pymilvus import AnnSearchRequest
from stores.milvus.bm25 import query_frequencies
from stores.milvus.shares_ranker import SCORES, SharesRanker, load_scores
from stores.milvus.vector_schema import ROW_FIELDS, MilvusCall, chunk_of, filter_of


def search(call: MilvusCall, query: SearchQuery, vector: np.ndarray | None) -> list[Passage]:
    """Returns the best passages, best first; `vector` is the query embedding, if there is one."""
    requests = _requests(query, vector)
    if not requests:  # a query of stop words, which has no vector
        return []
    [hits] = call(
        "hybrid_search",
        reqs=requests,
        ranker=SharesRanker(query),
        limit=query.limit,
        output_fields=ROW_FIELDS,
    )
    return [_passage(hit["entity"]) for hit in hits]


def _requests(query: SearchQuery, vector: np.ndarray | None) -> list[AnnSearchRequest]:
    """Returns the searches of the query; none by words if it has only stop words.

    The search by words gets term frequencies: the server knows how rare the terms are. The vector
    is also needed for the cosines of hits by words.
    """
    searches = dict[str, Any]()
    if vector is not None:
        searches["dense"] = np.asarray(vector, dtype=np.float32).reshape(-1)
    if query.mode is not SearchMode.DENSE and (frequencies := query_frequencies(query.text)):
        searches["sparse"] = frequencies
    expression = filter_of(query).arguments(embedded=True)["filter"]
    return [
        AnnSearchRequest([data], field, {}, query.candidates, expr=expression)
        for field, data in searches.items()
    ]


def _passage(row: dict[str, Any]) -> Passage:
    hit = load_scores(row["chunk_id"], row[SCORES])
    return Passage(chunk_of(row), row["collection"], hit.score, hit.scores, hit.parts)
