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
    client may see, None for all. `depth`: candidates of each retriever, None for a multiple of the
    limit; the order of equal queries with equal depth is the same for every limit.
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
    depth: int | None = None

    @property
    def candidates(self) -> int:
        """Number of candidates requested from each retriever: more than `limit`, to leave a choice
        for fusion and grouping."""
        return self.depth or max(4 * self.limit, 100)


DENSE_WEIGHT = 0.7
"""Weight of the dense retriever in hybrid mode; measured: docs/decisions/0004-search-fusion.md."""


Scores = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Ranked:
    """A ranked candidate: `score` is the ranking score, `scores` the score of each retriever.

    `parts` are the summands of `score` by retriever.
    """

    chunk_id: str
    score: float
    scores: dict[str, float]
    parts: dict[str, float]


def normalize_by_max(scores: Mapping[str, float]) -> dict[str, float]:
    """Returns the scores divided by the best score, in 0..1; negative scores become 0.

    Unlike min-max normalization, the result does not depend on the number of candidates.
    """
    best = max(scores.values(), default=0.0)
    if best <= 0:
        return dict.fromkeys(scores, 0.0)
    return {key: max(0.0, score / best) for key, score in scores.items()}


def fuse(dense: Scores, sparse: Scores, dense_weight: float = DENSE_WEIGHT) -> dict[str, float]:
    """Returns one score in 0..1 per candidate: the weighted sum of its normalized scores.

    A candidate that a retriever did not return gets 0 from it. If one side is empty, the other has
    full weight. On both sides larger is better.
    """
    return _sums(weighted_parts(dense, sparse, dense_weight))


def weighted_parts(
    dense: Scores, sparse: Scores, dense_weight: float = DENSE_WEIGHT
) -> dict[str, Scores]:
    """Returns the summands of `fuse`, by retriever and candidate."""
    sides = {name: side for name, side in (("dense", dense), ("sparse", sparse)) if side}
    weights = {"dense": dense_weight, "sparse": 1 - dense_weight} if len(sides) > 1 else {}
    return {
        name: {key: weights.get(name, 1) * score for key, score in normalize_by_max(side).items()}
        for name, side in sides.items()
    }


def rank(mode: SearchMode, dense: Scores, sparse: Scores) -> list[Ranked]:
    """Returns the candidates of both retrievers as one list, best first.

    `dense` and `sparse` map chunk ids to scores; larger is better. In dense or sparse mode `score`
    is the score of that retriever (cosine or BM25), in hybrid mode it is in 0..1. Ties are ordered
    by chunk id, so that the ranking is deterministic.
    """
    sides = {"dense": dense, "sparse": sparse}
    is_hybrid = mode is SearchMode.HYBRID
    parts = weighted_parts(dense, sparse) if is_hybrid else {str(mode): sides[mode]}
    return [
        Ranked(key, score, _of(key, sides), _of(key, parts))
        for key, score in sorted(_sums(parts).items(), key=lambda item: (-item[1], item[0]))
    ]


def _of(key: str, sides: Mapping[str, Scores]) -> dict[str, float]:
    return {name: side[key] for name, side in sides.items() if key in side}


def _sums(parts: Mapping[str, Scores]) -> dict[str, float]:
    sums = dict[str, float]()
    for side in parts.values():
        for key, part in side.items():
            sums[key] = sums.get(key, 0.0) + part
    return sums


def best_per_document(ranked: Sequence[Ranked], document_of: Mapping[str, str]) -> list[Ranked]:
    """Returns the best candidate of each document, in order; `document_of` maps chunk ids to
    document ids."""
    first: dict[str, Ranked] = {}
    for candidate in ranked:
        first.setdefault(document_of[candidate.chunk_id], candidate)
    return list(first.values())
