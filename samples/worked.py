"""The numbers of the papers: worked examples, computed so that text and tables cannot disagree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log2

BACKOFF_BASE_SECONDS, BACKOFF_CAP_SECONDS = 2.0, 60.0
RRF_K = 60
DENSE_WEIGHT = 0.7
# A made-up query: passage -> (gain, cosine similarity, BM25 score).
PASSAGES: Mapping[str, tuple[int, float, float]] = {
    "A": (3, 0.71, 9.4),
    "B": (0, 0.74, 2.1),
    "C": (2, 0.55, 12.0),
    "D": (1, 0.66, 7.2),
    "E": (0, 0.48, 10.3),
    "F": (2, 0.69, 4.8),
}


def backoff_seconds(attempt: int) -> float:
    """min(cap, base · 2^(attempt - 1)): the longest wait after that attempt failed."""
    return min(BACKOFF_CAP_SECONDS, BACKOFF_BASE_SECONDS * 2 ** (attempt - 1))


def ranked(scores: Mapping[str, float]) -> list[str]:
    """Names from the highest score to the lowest."""
    return sorted(scores, key=lambda name: -scores[name])


def dcg(gains: Sequence[float]) -> float:
    """Discounted cumulated gain with a log2(rank + 1) discount (Järvelin and Kekäläinen 2002)."""
    return sum(gain / log2(rank + 1) for rank, gain in enumerate(gains, 1))


def ndcg(order: Sequence[str], cutoff: int) -> float:
    """DCG of the first `cutoff` passages over that of the best order there is."""
    gains = [PASSAGES[name][0] for name in order]
    return dcg(gains[:cutoff]) / dcg(sorted(gains, reverse=True)[:cutoff])


def reciprocal_rank_fusion(lists: Sequence[Sequence[str]], k: int = RRF_K) -> dict[str, float]:
    """Σ 1 / (k + rank) over the lists (Cormack, Clarke and Büttcher 2009)."""
    return {name: sum(1 / (k + order.index(name) + 1) for order in lists) for name in lists[0]}


def scaled(scores: Mapping[str, float]) -> dict[str, float]:
    """Scores moved and stretched to 0..1."""
    low, high = min(scores.values()), max(scores.values())
    return {name: (score - low) / (high - low) for name, score in scores.items()}


def values() -> dict[str, str]:
    """What stands for `{{name}}` in the sources."""
    return {**_backoff_values(), **_fusion_values()}


def _backoff_values() -> dict[str, str]:
    waits = [backoff_seconds(attempt) for attempt in range(1, 7)]
    rows = [
        f"| {n} | {wait:.0f} | {wait / 2:.0f} to {wait:.0f} | {sum(waits[:n]):.0f} |"
        for n, wait in enumerate(waits, 1)
    ]
    return {
        "backoff_rows": "\n".join(rows),
        "backoff_base": f"{BACKOFF_BASE_SECONDS:.0f}",
        "backoff_cap": f"{BACKOFF_CAP_SECONDS:.0f}",
        "backoff_total": f"{sum(waits):.0f}",
    }


def orders() -> dict[str, list[str]]:
    """The four rankings of the example: dense, lexical, by reciprocal rank, by weighted sum."""
    dense = {name: cosine for name, (_, cosine, _) in PASSAGES.items()}
    lexical = {name: bm25 for name, (_, _, bm25) in PASSAGES.items()}
    by_rank = reciprocal_rank_fusion([ranked(dense), ranked(lexical)])
    return {
        "dense": ranked(dense),
        "lexical": ranked(lexical),
        "rrf": ranked(by_rank),
        "sum": ranked(weighted_sum(dense, lexical)),
    }


def weighted_sum(dense: Mapping[str, float], lexical: Mapping[str, float]) -> dict[str, float]:
    """Scaled dense scores at DENSE_WEIGHT plus scaled lexical ones at the rest."""
    one, two = scaled(dense), scaled(lexical)
    return {name: DENSE_WEIGHT * one[name] + (1 - DENSE_WEIGHT) * two[name] for name in one}


def _fusion_values() -> dict[str, str]:
    dense = {name: cosine for name, (_, cosine, _) in PASSAGES.items()}
    lexical = {name: bm25 for name, (_, _, bm25) in PASSAGES.items()}
    lists = [ranked(dense), ranked(lexical)]
    by_rank, by_sum = reciprocal_rank_fusion(lists), weighted_sum(dense, lexical)
    rows = [
        f"| {name} | {gain} | {cosine:.2f} ({lists[0].index(name) + 1}) | "
        f"{bm25:.1f} ({lists[1].index(name) + 1}) | "
        f"{1000 * by_rank[name]:.2f} | {by_sum[name]:.3f} |"
        for name, (gain, cosine, bm25) in PASSAGES.items()
    ]
    titles = {
        "dense": "Dense alone",
        "lexical": "BM25 alone",
        "rrf": "Reciprocal rank",
        "sum": "Weighted sum",
    }
    graded = [
        f"| {titles[key]} | {' '.join(order)} | {ndcg(order, 3):.3f} | {ndcg(order, 6):.3f} |"
        for key, order in orders().items()
    ]
    ideal = sorted((gain for gain, _, _ in PASSAGES.values()), reverse=True)
    return {
        "fusion_rows": "\n".join(rows),
        "graded_rows": "\n".join(graded),
        "ideal_dcg3": f"{dcg(ideal[:3]):.3f}",
        "rrf_a": f"{1000 * by_rank['A']:.2f}",
    } | {f"{key}_ndcg3": f"{ndcg(order, 3):.3f}" for key, order in orders().items()}
