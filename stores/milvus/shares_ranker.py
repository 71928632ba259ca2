"""The ranking of hybrid searches (domain/search.py) as a ranker of a Milvus hybrid search.

Only the embedded server knows it: it answers a search with one response instead of three. Milvus
servers have no ranker for shares of the best possible score.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from domain.search import Ranked, SearchMode, SearchQuery
from runtime.patches.pymilvus import BaseRanker
from stores.milvus.bm25 import numbers_of

STRATEGY = "paperworks_shares"
SCORES = "scores"
"""The field of a response that contains the scores of each hit."""


class SharesRanker(BaseRanker):
    """Ranks the candidates of a query by embedding and by words as `domain.search.rank` does."""

    def __init__(self, query: SearchQuery) -> None:
        self._query = query

    def dict(self) -> dict[str, Any]:
        """Returns the parameters of the request; `ranking_of` reads them."""
        query = self._query
        parameters = {
            "mode": str(query.mode),
            "candidates": query.candidates,
            "group_by_document": query.group_by_document,
            "required_terms": numbers_of(query.required_terms),
        }
        return {"strategy": STRATEGY, "params": parameters}


@dataclass(frozen=True, slots=True)
class Ranking:
    """How the hits of a request are ranked: a query without a text, and the numbers of the terms
    that each hit must have."""

    query: SearchQuery
    required_terms: list[int]


def ranking_of(options: Mapping[str, Any]) -> Ranking | None:
    """Returns the ranking of a request with these rank parameters, None for another ranker."""
    if options.get("strategy") != STRATEGY:
        return None
    parameters = options["params"]
    query = SearchQuery(
        "",
        mode=SearchMode(parameters["mode"]),
        limit=options["limit"],
        depth=parameters["candidates"],
        group_by_document=parameters["group_by_document"],
    )
    return Ranking(query, parameters["required_terms"])


def dump_scores(hit: Ranked) -> str:
    """Returns the scores of a hit for a response."""
    return json.dumps([hit.score, hit.scores, hit.parts])


def load_scores(chunk_id: str, text: str) -> Ranked:
    """Returns the hit of a response with these scores."""
    return Ranked(chunk_id, *json.loads(text))
