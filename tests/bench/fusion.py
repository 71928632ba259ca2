"""Compares rules that fuse the results of both retrievers into one ranking.

    .venv/bin/python -m tests.bench.fusion --data DIR --papers DIR

`--data` has the BEIR layout (corpus.jsonl, queries.jsonl, qrels.tsv); `--papers` contains PDFs.
Both retrievers are exact. Each row is a rule, its columns are

    nDCG@10     judged queries, each document is one passage;
    code, word  a rare word of one or two passages, with and without digits, alone or among two
                frequent words: the share of the queries whose first passage contains it;
    sentence    half of the words of a sentence: the share of the queries whose first ten passages
                include that of the sentence;

and the same nDCG@10 for a model whose cosines are compressed to 0.4..1, as those of some models.
"""

from __future__ import annotations

import argparse
import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from domain.search import (
    DENSE_WEIGHT,
    Candidates,
    SearchMode,
    hybrid_parts,
    rank,
)
from embedding.encoder import Encoder
from embedding.load import load_encoder
from stores.milvus.bm25 import TermStatistics, best_possible, query_vector, text_vector
from tests.bench.relevance import parser, passages_of_papers
from tests.bench.search_quality import Judged, Scores, by_score, ndcg, read_collection

DEPTH = 100  # candidates of each retriever
QUERIES = 150  # of each kind, chosen at random
SEED = 1
_WORD = re.compile(r"[A-Za-z0-9][\w./-]{3,30}[A-Za-z0-9]")
_SENTENCE = re.compile(r"[A-Z][^.!?]{60,300}[.!?]")
_RARE, _FREQUENT = 2, 15  # passages that contain a word


@dataclass(frozen=True, slots=True)
class Retrieved:
    """The candidates of both retrievers for a query."""

    dense: Candidates
    sparse: Candidates


Rule = Callable[[Retrieved], Scores]


@dataclass
class Passages:
    """Passages by id, with unit vectors of shape (n, dimension)."""

    texts: dict[str, str]
    vectors: np.ndarray

    @cached_property
    def keys(self) -> list[str]:
        """The ids in the order of the vectors."""
        return list(self.texts)

    @cached_property
    def saturations(self) -> list[dict[int, float]]:
        """The stored part of BM25, by passage."""
        return [text_vector(text) for text in self.texts.values()]

    @cached_property
    def statistics(self) -> TermStatistics:
        """The document frequencies of all terms."""
        return TermStatistics(self.saturations)

    @cached_property
    def postings(self) -> dict[int, list[tuple[int, float]]]:
        """The passages that contain each term, with its saturation."""
        found: dict[int, list[tuple[int, float]]] = defaultdict(list)
        for row, saturations in enumerate(self.saturations):
            for term, saturation in saturations.items():
                found[term].append((row, saturation))
        return found

    def retrieve(self, query: str, vector: np.ndarray) -> Retrieved:
        """Returns the best candidates by cosine and by BM25."""
        weights, scores = query_vector(query, self.statistics), np.zeros(len(self.keys))
        for term, weight in weights.items():
            for row, saturation in self.postings.get(term, ()):
                scores[row] += weight * saturation
        worded = replace(self._best(scores), best_possible=best_possible(weights.values()))
        return Retrieved(self._best(self.vectors @ vector, least=-1.0), worded)

    def _best(self, scores: np.ndarray, least: float = 0.0) -> Candidates:
        rows = [row for row in np.argsort(-scores)[:DEPTH].tolist() if scores[row] > least]
        best = {self.keys[row]: float(scores[row]) for row in rows}
        return Candidates(best, is_all=len(best) < DEPTH)


def share_of_best(scores: Scores) -> Scores:
    """Returns the scores divided by the best one."""
    best = max(scores.values(), default=0.0)
    return {key: max(0.0, score / best) if best > 0 else 0.0 for key, score in scores.items()}


def sum_of_shares_of_best(weight: float) -> Rule:
    """The rule until November 2026; a candidate gets 0 from a retriever that did not return it."""

    def fused(found: Retrieved) -> Scores:
        near, worded = share_of_best(found.dense.scores), share_of_best(found.sparse.scores)
        return {
            key: weight * near.get(key, 0.0) + (1 - weight) * worded.get(key, 0.0)
            for key in {**near, **worded}
        }

    return fused


def reciprocal_rank(k: int) -> Rule:
    """Reciprocal rank fusion (Cormack, Clarke and Büttcher, 2009)."""

    def fused(found: Retrieved) -> Scores:
        total: dict[str, float] = defaultdict(float)
        for side in (found.dense, found.sparse):
            for place, key in enumerate(by_score(side.scores), start=1):
                total[key] += 1 / (k + place)
        return total

    return fused


def chosen(weight: float = DENSE_WEIGHT) -> Rule:
    """The rule of the service, with any weight of the cosine."""

    def fused(found: Retrieved) -> Scores:
        parts = hybrid_parts(found.dense, found.sparse, weight)
        return {key: sum(side[key] for side in parts.values()) for key in parts["dense"]}

    return fused


def _only(mode: SearchMode) -> Rule:
    return lambda found: {one.chunk_id: one.score for one in rank(mode, found.dense, found.sparse)}


RULES: Mapping[str, Rule] = {
    "dense": _only(SearchMode.DENSE),
    "sparse": _only(SearchMode.SPARSE),
    "reciprocal rank, k = 60": reciprocal_rank(60),
    "reciprocal rank, k = 10": reciprocal_rank(10),
    **{f"shares of the best, dense {w}": sum_of_shares_of_best(w) for w in (0.5, 0.7)},
    **{f"stretched cosine, dense {w}": chosen(w) for w in (0.3, 0.4, 0.5, 0.6)},
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a query retrieved, and the passages that it wants among the first `within`."""

    found: Retrieved
    keys: frozenset[str]
    within: int


def rare_words(passages: Passages, with_digits: bool, chance: random.Random) -> Iterator[Query]:
    """Yields queries for a rare word, every second one among two frequent words of its passage."""
    words = {key: set(_WORD.findall(text)) for key, text in passages.texts.items()}
    holders: dict[str, set[str]] = defaultdict(set)
    for key, found in words.items():
        for word in found:
            holders[word.lower()].add(key)
    rare = [
        word
        for word, keys in sorted(holders.items())
        if len(keys) <= _RARE and any(map(str.isdigit, word)) == with_digits
    ]
    for number, word in enumerate(chance.sample(rare, QUERIES)):
        frequent = sorted(
            one
            for one in words[min(holders[word])]
            if one.isalpha() and len(holders[one.lower()]) > _FREQUENT
        )
        others = chance.sample(frequent, min(2 * (number % 2), len(frequent)))
        yield Query(" ".join([*others, word]), frozenset(holders[word]), 1)


def half_sentences(passages: Passages, chance: random.Random) -> Iterator[Query]:
    """Yields queries with half of the words of a sentence, in their order."""
    for key in chance.sample(passages.keys, QUERIES):
        sentences = _SENTENCE.findall(passages.texts[key])
        words = re.findall(r"[A-Za-z-]{4,}", chance.choice(sentences)) if sentences else []
        places = sorted(chance.sample(range(len(words)), (len(words) + 1) // 2))
        if len(places) > 2:
            yield Query(" ".join(words[place] for place in places), frozenset({key}), 10)


@dataclass(frozen=True, slots=True)
class Query:
    """A query, and the passages that it wants among the first `within`."""

    text: str
    keys: frozenset[str]
    within: int


def retrieved(passages: Passages, queries: Sequence[Query], encoder: Encoder) -> list[Wanted]:
    """Returns the candidates of every query."""
    vectors = encoder.encode_queries([query.text for query in queries])
    return [
        Wanted(passages.retrieve(query.text, vector), query.keys, query.within)
        for query, vector in zip(queries, vectors, strict=True)
    ]


def quality(rule: Rule, by_query: Mapping[str, Retrieved], judged: Judged) -> float:
    """Returns the mean nDCG@10."""
    return ndcg({key: by_score(rule(found)) for key, found in by_query.items()}, judged)


def share_found(rule: Rule, wanted: Sequence[Wanted]) -> float:
    """Returns the share of the queries that find one of their passages."""
    hits = [not one.keys.isdisjoint(by_score(rule(one.found))[: one.within]) for one in wanted]
    return Counter(hits)[True] / len(hits)


def compressed(found: Retrieved) -> Retrieved:
    """Returns the same candidates with cosines of 0.4 to 1."""
    cosines = {key: 0.7 + 0.3 * cosine for key, cosine in found.dense.scores.items()}
    return replace(found, dense=replace(found.dense, scores=cosines))


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints one row for each rule."""
    options = parser("fusion", __doc__).parse_args(arguments)
    encoder = load_encoder(options.model, cache=options.models)
    judged, by_query = _judged(options.data, encoder)
    kinds = _kinds(options, encoder)
    columns = ["nDCG@10", *kinds, "compressed"]
    print(f"{'rule':32}" + "".join(f"{name:>12}" for name in columns))
    for name, rule in RULES.items():
        values = [
            quality(rule, by_query, judged),
            *(share_found(rule, wanted) for wanted in kinds.values()),
            quality(rule, {key: compressed(found) for key, found in by_query.items()}, judged),
        ]
        print(f"{name:32}" + "".join(f"{value:12.4f}" for value in values))


def _judged(data: Path, encoder: Encoder) -> tuple[Judged, dict[str, Retrieved]]:
    texts, queries, judged = read_collection(data)
    corpus = Passages(texts, encoder.encode(list(texts.values())))
    vectors = encoder.encode_queries([queries[key] for key in judged])
    found = {
        key: corpus.retrieve(queries[key], vector)
        for key, vector in zip(judged, vectors, strict=True)
    }
    return judged, found


def _kinds(options: argparse.Namespace, encoder: Encoder) -> dict[str, list[Wanted]]:
    texts = [text for _, text in passages_of_papers(options.papers, options.model)]
    passages = Passages(
        {str(number): text for number, text in enumerate(texts)}, encoder.encode(texts)
    )
    chance = random.Random(SEED)
    kinds = {
        "code": list(rare_words(passages, True, chance)),
        "word": list(rare_words(passages, False, chance)),
        "sentence": list(half_sentences(passages, chance)),
    }
    return {name: retrieved(passages, queries, encoder) for name, queries in kinds.items()}


if __name__ == "__main__":
    main()
