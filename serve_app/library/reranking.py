"""Reranking: the best passages of a search in the order of a cross-encoder, where one is set."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from domain.errors import RerankerNotConfigured, Unavailable
from domain.library_search import LibrarySearch
from runtime.outage_log import OutageLog
from serve_app.library.search_hits import Hit

NOT_BEFORE = "The hits are not reranked, like those of the previous page."
MAY_REPEAT = "Those of the previous page were: some may be repeated, others are left out."
RERANK = "rerank"  # key of the score in `Passage.scores`
_outages = OutageLog("The reranker")


@dataclass(frozen=True, slots=True)
class Reranking:
    """`scores` returns a score for each passage, larger is better, and raises Unavailable.

    The first `candidates` hits of a search are reranked.
    """

    scores: Callable[[str, Sequence[str]], Awaitable[Sequence[float]]]
    candidates: int


@dataclass(frozen=True, slots=True)
class RerankedHits:
    """Hits in the new order; in the old one if `note` states why they were not reranked."""

    hits: list[Hit]
    note: str | None = None


def wanted_reranking(search: LibrarySearch, configured: Reranking | None) -> Reranking | None:
    """Returns the reranking of the search: where one is configured, unless the search declines it.

    Raises RerankerNotConfigured if the search asks for it in vain.
    """
    if search.rerank and configured is None:
        raise RerankerNotConfigured
    return None if search.rerank is False else configured


async def rerank(search: LibrarySearch, hits: Sequence[Hit], reranking: Reranking) -> RerankedHits:
    """Returns the hits, best first; equal scores keep their order.

    A passage is scored with its title and section, as it is embedded.
    """
    if search.plain_order:
        return RerankedHits(list(hits), NOT_BEFORE)
    texts = [passage.chunk.indexed_text for passage, _ in hits]
    try:
        scores = await reranking.scores(search.query.text, texts) if texts else ()
    except Unavailable as error:
        _outages.note(error)
        reason = f"The hits are not reranked: {error.message}"
        return RerankedHits(list(hits), f"{reason} {MAY_REPEAT}" if search.offset else reason)
    scored = [_with_score(hit, score) for hit, score in zip(hits, scores, strict=True)]
    return RerankedHits(sorted(scored, key=lambda hit: -hit[0].scores[RERANK]))


def _with_score(hit: Hit, score: float) -> Hit:
    passage, document = hit
    return replace(passage, scores={**passage.scores, RERANK: score}), document
