"""Search queries, and the fusion of dense and sparse results into one ranking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from domain.documents import ChunkKind


class SearchMode(StrEnum):
    HYBRID = "hybrid"
    DENSE = "dense"
    SPARSE = "sparse"


# Bibliography entries are excluded: they would outrank the papers that they cite.
SEARCHED_KINDS = tuple(kind for kind in ChunkKind if kind is not ChunkKind.REFERENCE)


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """A query to one collection (None: all); empty `document_ids` means all documents.

    Hits below `min_relevance` (domain/relevance.py) are left out. `among`: the collections that the
    client may see, None for all.
    """

    text: str
    collection: str | None = None
    mode: SearchMode = SearchMode.HYBRID
    limit: int = 10
    document_ids: tuple[str, ...] = ()
    kinds: tuple[ChunkKind, ...] = SEARCHED_KINDS
    page_first: int | None = None
    page_last: int | None = None
    group_by_document: bool = False
    min_relevance: float | None = None
    among: frozenset[str] | None = None

    @property
    def candidates(self) -> int:
        """Number of candidates requested from each retriever: more than `limit`, to leave a choice
        for fusion and grouping."""
        return max(4 * self.limit, 100)


DENSE_WEIGHT = 0.7
"""Weight of the dense retriever in hybrid mode; measured: docs/decisions/0004-search-fusion.md."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """A ranked candidate: `score` is the ranking score, `scores` the score of each retriever."""

    chunk_id: str
    score: float
    scores: dict[str, float]


def normalize_by_max(scores: Mapping[str, float]) -> dict[str, float]:
    """Returns the scores divided by the best score, in 0..1; negative scores become 0.

    Unlike min-max normalization, the result does not depend on the number of candidates.
    """
    best = max(scores.values(), default=0.0)
    if best <= 0:
        return dict.fromkeys(scores, 0.0)
    return {key: max(0.0, score / best) for key, score in scores.items()}


def fuse(
    dense: Mapping[str, float], sparse: Mapping[str, float], dense_weight: float = DENSE_WEIGHT
) -> dict[str, float]:
    """Returns one score in 0..1 per candidate: the weighted sum of its normalized scores.

    A candidate that a retriever did not return gets 0 from it. If one side is empty, the other has
    full weight. On both sides larger is better.
    """
    if not dense or not sparse:
        return normalize_by_max(dense or sparse)
    by_dense, by_sparse = normalize_by_max(dense), normalize_by_max(sparse)
    return {
        key: dense_weight * by_dense.get(key, 0.0) + (1 - dense_weight) * by_sparse.get(key, 0.0)
        for key in by_dense | by_sparse
    }


def rank(mode: SearchMode, dense: Mapping[str, float], sparse: Mapping[str, float]) -> list[Ranked]:
    """Returns the candidates of both retrievers as one list, best first.

    `dense` and `sparse` map chunk ids to scores; larger is better. In dense or sparse mode `score`
    is the score of that retriever (cosine or BM25), in hybrid mode it is in 0..1. Ties are ordered
    by chunk id, so that the ranking is deterministic.
    """
    sides = {SearchMode.DENSE: dense, SearchMode.SPARSE: sparse}
    fused = fuse(dense, sparse) if mode is SearchMode.HYBRID else sides[mode]
    named = (("dense", dense), ("sparse", sparse))
    return [
        Ranked(key, score, {name: side[key] for name, side in named if key in side})
        for key, score in sorted(fused.items(), key=lambda item: (-item[1], item[0]))
    ]


def best_per_document(ranked: Sequence[Ranked], document_of: Mapping[str, str]) -> list[Ranked]:
    """Returns the best candidate of each document, in order; `document_of` maps chunk ids to
    document ids."""
    first: dict[str, Ranked] = {}
    for candidate in ranked:
        first.setdefault(document_of[candidate.chunk_id], candidate)
    return list(first.values())
