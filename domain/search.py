"""What a search asks for, and how dense and sparse answers become one list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from domain.documents import ChunkKind


class SearchMode(StrEnum):
    HYBRID = "hybrid"
    DENSE = "dense"
    SPARSE = "sparse"


# Entries of a bibliography would drown the papers that they name.
SEARCHED_KINDS = tuple(kind for kind in ChunkKind if kind is not ChunkKind.REFERENCE)


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """A question to one collection (None: all); `document_ids` empty means every document."""

    text: str
    collection: str | None = None
    mode: SearchMode = SearchMode.HYBRID
    limit: int = 10
    document_ids: tuple[str, ...] = ()
    kinds: tuple[ChunkKind, ...] = SEARCHED_KINDS
    page_first: int | None = None
    page_last: int | None = None
    group_by_document: bool = False

    @property
    def candidates(self) -> int:
        """How many candidates each side is asked for, so that fusing and grouping have a choice."""
        return max(4 * self.limit, 100)


DENSE_WEIGHT = 0.7
"""Share of the dense side in a hybrid score, measured in docs/decisions/0004-search-fusion.md."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate in its place: `score` orders the hits, `scores` holds what each side gave it."""

    chunk_id: str
    score: float
    scores: dict[str, float]


def share_of_best(scores: Mapping[str, float]) -> dict[str, float]:
    """The scores as shares of the best one: 1 for the best, 0 for those below nothing.

    Unlike a stretch from the worst candidate to the best, this does not depend on how many
    candidates there are.
    """
    best = max(scores.values(), default=0.0)
    if best <= 0:
        return dict.fromkeys(scores, 0.0)
    return {key: max(0.0, score / best) for key, score in scores.items()}


def fuse(
    dense: Mapping[str, float], sparse: Mapping[str, float], dense_weight: float = DENSE_WEIGHT
) -> dict[str, float]:
    """One score of 0..1 per candidate of either side: the weighted sum of its shares of the best.

    A candidate that one side did not return gets 0 from it. When one side is empty the other counts
    in full. Larger is better on both sides.
    """
    if not dense or not sparse:
        return share_of_best(dense or sparse)
    near, worded = share_of_best(dense), share_of_best(sparse)
    return {
        key: dense_weight * near.get(key, 0.0) + (1 - dense_weight) * worded.get(key, 0.0)
        for key in near | worded
    }


def rank(mode: SearchMode, dense: Mapping[str, float], sparse: Mapping[str, float]) -> list[Ranked]:
    """The candidates of both sides (chunk id to score, larger is better) as one list, best first.

    In a one-sided mode `score` is that side's own (cosine or BM25), in hybrid mode it is 0..1.
    Equal scores are ordered by chunk id, so that the same question gets the same list.
    """
    sides = {SearchMode.DENSE: dense, SearchMode.SPARSE: sparse}
    fused = fuse(dense, sparse) if mode is SearchMode.HYBRID else sides[mode]
    named = (("dense", dense), ("sparse", sparse))
    return [
        Ranked(key, score, {name: side[key] for name, side in named if key in side})
        for key, score in sorted(fused.items(), key=lambda item: (-item[1], item[0]))
    ]


def best_per_document(ranked: Sequence[Ranked], document_of: Mapping[str, str]) -> list[Ranked]:
    """The first candidate of each document, in order; `document_of`: chunk id to document id."""
    first: dict[str, Ranked] = {}
    for candidate in ranked:
        first.setdefault(document_of[candidate.chunk_id], candidate)
    return list(first.values())
