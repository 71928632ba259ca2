"""Search queries, and the fusion of dense and sparse results into one ranking."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from domain.documents import ChunkKind

_LEAST_ROOM = 1e-9  # avoids a division by 0


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
    `required_terms`: a store that can leaves out passages that lack one of these.
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
    required_terms: frozenset[str] = frozenset()

    @property
    def candidates(self) -> int:
        """Number of candidates requested from each retriever: more than `limit`, to leave a choice
        for fusion and grouping."""
        return self.depth or max(4 * self.limit, 100)


DENSE_WEIGHT = 0.4
"""Weight of the dense retriever in hybrid mode; measured: docs/decisions/0004-search-fusion.md."""


Scores = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Candidates:
    """The best candidates of one retriever, as scores by chunk id; larger is better.

    `best_possible` is the score of a perfect match. `is_all`: no other chunk has a score above 0.
    """

    scores: Scores = field(default_factory=dict)
    best_possible: float = 1.0
    is_all: bool = False

    @property
    def lowest(self) -> float:
        """The score that no other chunk exceeds."""
        return 0.0 if self.is_all else max(0.0, min(self.scores.values(), default=0.0))


NO_CANDIDATES = Candidates(is_all=True)


@dataclass(frozen=True, slots=True)
class Ranked:
    """A ranked candidate: `score` is the ranking score, `scores` the score of each retriever.

    `parts` are the summands of `score` by retriever.
    """

    chunk_id: str
    score: float
    scores: dict[str, float]
    parts: dict[str, float]


def dense_shares(dense: Candidates) -> dict[str, float]:
    """Returns how far each cosine is above the lowest one: 0 for the lowest, 1 for a cosine of 1.

    The lowest one is taken for that of unrelated texts, which differs between models.
    """
    low = min(dense.scores.values(), default=0.0)
    room = max(dense.best_possible - low, _LEAST_ROOM)
    return {key: min(1.0, (score - low) / room) for key, score in dense.scores.items()}


def sparse_shares(sparse: Candidates) -> dict[str, float]:
    """Returns the BM25 scores as shares of the best possible one, in 0..1."""
    return {key: _share(score, sparse) for key, score in sparse.scores.items()}


def _share(score: float, sparse: Candidates) -> float:
    best = max(sparse.best_possible, _LEAST_ROOM)
    return min(1.0, max(0.0, score / best))


def hybrid_parts(
    dense: Candidates, sparse: Candidates, dense_weight: float = DENSE_WEIGHT
) -> dict[str, Scores]:
    """Returns the weighted shares of each candidate, by retriever.

    A chunk that a retriever did not return has at most the share of its last candidate and gets
    that: a text with the rare word of the query may be far from the query's vector.
    """
    near, worded = dense_shares(dense), sparse_shares(sparse)
    unworded = _share(sparse.lowest, sparse)
    keys = dict.fromkeys([*near, *worded])
    return {
        "dense": {key: dense_weight * near.get(key, 0.0) for key in keys},
        "sparse": {key: (1 - dense_weight) * worded.get(key, unworded) for key in keys},
    }


def rank(
    mode: SearchMode,
    dense: Candidates,
    sparse: Candidates,
    *,
    limit: int | None = None,
    document_of: Mapping[str, str] | None = None,
) -> list[Ranked]:
    """Returns the candidates of both retrievers as one list, best first, at most `limit`.

    With `document_of`, the documents of the chunk ids, only the best candidate of each document.

    In dense or sparse mode `score` is the score of that retriever (cosine or BM25), in hybrid mode
    it is in 0..1. Ties are ordered by chunk id, so that the ranking is deterministic.
    """
    sides = {"dense": dense.scores, "sparse": sparse.scores}
    is_hybrid = mode is SearchMode.HYBRID
    parts = hybrid_parts(dense, sparse) if is_hybrid else {str(mode): sides[mode]}
    sums = sorted(_sums(parts).items(), key=lambda item: (-item[1], item[0]))
    if document_of is not None:
        sums = _best_of_each(sums, document_of)
    return [Ranked(key, score, _of(key, sides), _of(key, parts)) for key, score in sums[:limit]]


def _of(key: str, sides: Mapping[str, Scores]) -> dict[str, float]:
    return {name: side[key] for name, side in sides.items() if key in side}


def _sums(parts: Mapping[str, Scores]) -> dict[str, float]:
    sums = dict[str, float]()
    for side in parts.values():
        for key, part in side.items():
            sums[key] = sums.get(key, 0.0) + part
    return sums


def _best_of_each(
    sums: Sequence[tuple[str, float]], document_of: Mapping[str, str]
) -> list[tuple[str, float]]:
    """Returns the first chunk of each document, in order."""
    first = dict[str, tuple[str, float]]()
    for chunk in sums:
        first.setdefault(document_of[chunk[0]], chunk)
    return list(first.values())


@dataclass(frozen=True, slots=True)
class Retrieved:
    """The candidates of both retrievers, and their documents by chunk id if these are needed."""

    dense: Candidates
    sparse: Candidates
    document_of: Mapping[str, str]


def best_ranked(
    query: SearchQuery, retrieve: Callable[[int], Retrieved], most_candidates: int
) -> list[Ranked]:
    """Returns the best `query.limit` candidates, best first.

    `retrieve` gets the number of candidates of each retriever. Candidates of few documents are
    retrieved again, four times as many, up to `most_candidates`.
    """
    wanted = query.candidates
    while True:
        found = retrieve(wanted)
        document_of = found.document_of if query.group_by_document else None
        sides = (found.dense, found.sparse)
        ranked = rank(query.mode, *sides, limit=query.limit, document_of=document_of)
        is_all = found.dense.is_all and found.sparse.is_all
        if len(ranked) >= query.limit or is_all or wanted >= most_candidates:
            return ranked
        wanted = min(4 * wanted, most_candidates)
