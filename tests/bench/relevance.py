"""Fits the weights of `domain/relevance.py`: logistic regressions over judged pairs.

    .venv/bin/python -m tests.bench.relevance --data DIR --papers DIR

`--data` has the BEIR layout (corpus.jsonl, queries.jsonl, qrels.tsv); `--papers` contains PDFs.
Pairs are a query and each of its ten nearest passages, from both libraries:

    own         judged queries in their corpus: relevant where judged so;
    own title   titles in the library of the papers: relevant if the passage is of that paper;
    foreign     judged queries in the papers and titles in the corpus: nothing is relevant.

Prints the weights with the cosine and without it, the area under the ROC curve of a five-fold
cross-validation, and the predicted and the actual share of relevant pairs by predicted relevance.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict

from domain.documents import ChunkKind
from domain.papers import Paper
from domain.relevance import coverage
from embedding.embed_options import EmbedOptions
from embedding.encoder import Encoder
from embedding.load import load_encoder, resolve_model
from embedding.token_format import TOKENIZER_FILE
from extraction.steps import read_whole
from pipelines.chunking.chunk import split_paper
from pipelines.chunking.tokens import ModelTokenizer
from stores.milvus.terms import terms
from tests.bench.search_quality import read_collection

NEAREST = 10
FOLDS = 5
WEAK_REGULARIZATION = 100.0  # the inverse of the penalty: 5,000 pairs determine three weights
SHARES = (0.2, 0.4, 0.6, 0.8)  # borders between the rows of the printed table


@dataclass(frozen=True, slots=True)
class Library:
    """Passages with their owners, vectors of shape (n, dimension), and terms."""

    owners: Sequence[str]
    vectors: np.ndarray
    terms: Sequence[frozenset[str]]


@dataclass(frozen=True, slots=True)
class Query:
    """A query with its vector, terms, and the owners of its relevant passages."""

    vector: np.ndarray
    terms: frozenset[str]
    relevant: frozenset[str]


Pair = tuple[float, float, bool]  # cosine, coverage, relevant


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the weights and how well they are calibrated."""
    options = parser("relevance", __doc__).parse_args(arguments)
    encoder = load_encoder(options.model, cache=options.models)
    corpus, queries = read_judged(options.data, encoder)
    papers, titles = read_papers(options.papers, encoder, options.model)
    own = [*_pairs(queries, corpus), *_pairs(titles, papers)]
    foreign = [*_foreign_pairs(queries, papers), *_foreign_pairs(titles, corpus)]
    pairs = np.array(own + foreign, dtype=np.float64)
    print(f"{len(own)} pairs of own queries, {len(foreign)} of foreign ones")
    report("cosine and coverage", pairs[:, :2], pairs[:, 2], foreign_from=len(own))
    report("coverage", pairs[:, 1:2], pairs[:, 2], foreign_from=len(own))


def read_judged(data: Path, encoder: Encoder) -> tuple[Library, list[Query]]:
    """Returns the corpus, each document as one passage, and its judged queries."""
    texts, asked, judged = read_collection(data)
    vectors = encoder.encode_queries([asked[key] for key in judged])
    queries = [
        Query(vector, frozenset(terms(asked[key])), _relevant(judged[key]))
        for key, vector in zip(judged, vectors, strict=True)
    ]
    return _library(list(texts), list(texts.values()), encoder), queries


def _relevant(grades: dict[str, int]) -> frozenset[str]:
    return frozenset(document for document, grade in grades.items() if grade > 0)


def read_papers(folder: Path, encoder: Encoder, model: str) -> tuple[Library, list[Query]]:
    """Returns the passages of the PDFs, without references, and their titles as queries."""
    found, titles = list[tuple[str, str]](), dict[str, str]()
    for owner, paper in _papers(folder):
        found += [(owner, text) for text in _passages(owner, paper, model)]
        if paper.metadata.title:
            titles[owner] = paper.metadata.title
    owners, texts = [owner for owner, _ in found], [text for _, text in found]
    vectors = encoder.encode_queries(list(titles.values()))
    queries = [
        Query(vector, frozenset(terms(title)), frozenset({owner}))
        for (owner, title), vector in zip(titles.items(), vectors, strict=True)
    ]
    return _library(owners, texts, encoder), queries


def passages_of_papers(folder: Path, model: str) -> list[tuple[str, str]]:
    """Returns the names of the PDFs with their passages, without references."""
    return [
        (owner, text) for owner, paper in _papers(folder) for text in _passages(owner, paper, model)
    ]


def _papers(folder: Path) -> Iterator[tuple[str, Paper]]:
    for path in sorted(folder.rglob("*.pdf")):
        yield path.stem, read_whole(path)


def _passages(owner: str, paper: Paper, model: str) -> list[str]:
    chunks, _ = split_paper(
        paper,
        document_id=owner,
        version=1,
        tokenizer=_tokenizer(model),
        max_tokens=EmbedOptions().max_tokens,
    )
    return [one.indexed_text for one in chunks if one.kind is not ChunkKind.REFERENCE]


@cache
def _tokenizer(model: str) -> ModelTokenizer:
    return ModelTokenizer(resolve_model(model) / TOKENIZER_FILE)


def _library(owners: Sequence[str], texts: Sequence[str], encoder: Encoder) -> Library:
    return Library(owners, encoder.encode(texts), [frozenset(terms(text)) for text in texts])


def _pairs(queries: Sequence[Query], library: Library) -> Iterator[Pair]:
    for query in queries:
        cosines = library.vectors @ query.vector
        for row in np.argsort(-cosines)[:NEAREST].tolist():
            share = coverage(query.terms, library.terms[row])
            yield float(cosines[row]), share, library.owners[row] in query.relevant


def _foreign_pairs(queries: Sequence[Query], library: Library) -> Iterator[Pair]:
    for cosine, share, _ in _pairs(queries, library):
        yield cosine, share, False


def report(name: str, features: np.ndarray, relevant: np.ndarray, *, foreign_from: int) -> None:
    """Prints the weights, the area under the curve, and predicted against actual shares."""
    model: Any = LogisticRegression(C=WEAK_REGULARIZATION)
    folds: Any = cross_val_predict(model, features, relevant, cv=FOLDS, method="predict_proba")
    predicted: np.ndarray = folds[:, 1]
    model.fit(features, relevant)
    weights = ", ".join(f"{weight:.2f}" for weight in model.coef_[0])
    print(f"\n{name}: intercept {model.intercept_[0]:.2f}, weights {weights}")
    print(f"area under the ROC curve {roc_auc_score(relevant, predicted):.3f}")
    print(f"95th percentile of foreign pairs {np.quantile(predicted[foreign_from:], 0.95):.3f}")
    rows = np.digitize(predicted, SHARES)
    for row in np.unique(rows):
        chosen = rows == row
        print(
            f"predicted {predicted[chosen].mean():.2f}, actual {relevant[chosen].mean():.2f}, "
            f"{np.count_nonzero(chosen)} pairs"
        )


def parser(name: str, description: str | None) -> argparse.ArgumentParser:
    """Returns the parser of the arguments of this module and of tests/bench/fusion.py."""
    parser = argparse.ArgumentParser(prog=f"python -m tests.bench.{name}", description=description)
    parser.add_argument("--data", type=Path, required=True, help="a collection in BEIR layout")
    parser.add_argument("--papers", type=Path, required=True, help="a folder of PDFs")
    parser.add_argument("--model", default=EmbedOptions().name, help="name or folder of the model")
    parser.add_argument("--models", type=Path, default=Path("var/models"), help="converted models")
    return parser


if __name__ == "__main__":
    main()
