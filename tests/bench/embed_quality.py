"""Speed and retrieval quality of each embedding engine, on a collection in the BEIR layout.

    python -m tests.bench.embed_quality --data DIR [--engines ...] [--out result.json]

DIR holds corpus.jsonl, queries.jsonl and qrels.tsv (query-id, corpus-id, score). Whole documents
are embedded and searched exactly by cosine. nDCG@10 is that of Järvelin and Kekäläinen (2002)
with gain equal to the score, as in trec_eval. The rounds of all engines are interleaved and the
best one counts, so that a machine that drifts does not favour the engine that ran first.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from embedding.encoder import Encoder
from embedding.load import DEFAULT_MODEL, load_encoder

REFERENCE = "torch-fp32"
ENGINES = (REFERENCE, "torch-bf16", "openvino-bf16", "openvino-int8")
CHUNK_WORDS = 150


@dataclass(frozen=True, slots=True)
class Collection:
    """Documents and queries by position; `relevant` maps a query to its documents' scores."""

    documents: list[str]
    queries: list[str]
    relevant: dict[int, dict[int, float]]


@dataclass(frozen=True, slots=True)
class Result:
    """One engine; the ratio and the cosines compare it with torch fp32."""

    engine: str
    chunks_per_second: float
    ratio: float
    cpu_ms_per_chunk: float
    cosine_mean: float
    cosine_min: float
    ndcg_10: float


def read_collection(folder: Path) -> Collection:
    """The collection in `folder`; documents are title and text."""
    documents, document_at = _read_texts(folder / "corpus.jsonl")
    queries, query_at = _read_texts(folder / "queries.jsonl")
    relevant: dict[int, dict[int, float]] = {}
    with (folder / "qrels.tsv").open() as file:
        for row in csv.DictReader(file, delimiter="\t"):
            if row["query-id"] in query_at and row["corpus-id"] in document_at:
                scores = relevant.setdefault(query_at[row["query-id"]], {})
                scores[document_at[row["corpus-id"]]] = float(row["score"])
    return Collection(documents, queries, relevant)


def _read_texts(path: Path) -> tuple[list[str], dict[str, int]]:
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    texts = [f"{row.get('title', '')} {row['text']}".strip() for row in rows]
    return texts, {row["_id"]: i for i, row in enumerate(rows)}


def ndcg(
    collection: Collection, documents: np.ndarray, queries: np.ndarray, depth: int = 10
) -> float:
    """Mean nDCG at `depth` over the queries that have a relevant document, 0 to 1."""
    ranked = np.argsort(-(queries @ documents.T), axis=1, kind="stable")[:, :depth]
    values: list[float] = []
    for query, scores in collection.relevant.items():
        ideal = _gain(sorted(scores.values(), reverse=True)[:depth])
        if ideal > 0:
            values.append(_gain([scores.get(int(i), 0.0) for i in ranked[query]]) / ideal)
    return float(np.mean(values))


def _gain(scores: list[float]) -> float:
    return sum(score / math.log2(rank + 2) for rank, score in enumerate(scores))


def chunks_of(collection: Collection, count: int) -> list[str]:
    """`count` passages of 150 words, which is what a chunker makes of papers."""
    words = " ".join(collection.documents).split()
    starts = range(0, len(words) - CHUNK_WORDS, CHUNK_WORDS)
    return [" ".join(words[start : start + CHUNK_WORDS]) for start in starts][:count]


def measure_speed(
    encoders: dict[str, Encoder], chunks: list[str], rounds: int
) -> dict[str, tuple[float, float]]:
    """Wall and CPU seconds of each engine's best round."""
    best = dict.fromkeys(encoders, (math.inf, math.inf))
    for _ in range(rounds):
        for name, encoder in encoders.items():
            wall, cpu = time.perf_counter(), time.process_time()
            encoder.encode(chunks)
            took = (time.perf_counter() - wall, time.process_time() - cpu)
            best[name] = (min(best[name][0], took[0]), min(best[name][1], took[1]))
    return best


def measure(
    encoders: dict[str, Encoder], data: Collection, chunks: int, rounds: int
) -> list[Result]:
    """A result for each engine; the first is the reference."""
    passages = chunks_of(data, chunks)
    documents = {name: encoder.encode(data.documents) for name, encoder in encoders.items()}
    seconds = measure_speed(encoders, passages, rounds)
    results: list[Result] = []
    for name, encoder in encoders.items():
        cosines = np.sum(documents[name] * documents[REFERENCE], axis=1)
        wall, cpu = seconds[name]
        results.append(
            Result(
                engine=name,
                chunks_per_second=round(len(passages) / wall, 1),
                ratio=round(seconds[REFERENCE][0] / wall, 2),
                cpu_ms_per_chunk=round(cpu / len(passages) * 1000, 1),
                cosine_mean=round(float(cosines.mean()), 5),
                cosine_min=round(float(cosines.min()), 5),
                ndcg_10=round(ndcg(data, documents[name], encoder.encode_queries(data.queries)), 4),
            )
        )
    return results


def table(results: list[Result]) -> str:
    """The results as a Markdown table."""
    lines = [
        "| engine | chunks/s | ratio to torch fp32 | CPU ms/chunk | cosine mean | min | nDCG@10 |",
        "|---|---|---|---|---|---|---|",
    ]
    for r in results:
        cells = [r.engine, r.chunks_per_second, r.ratio, r.cpu_ms_per_chunk]
        cells += [f"{r.cosine_mean:.5f}", f"{r.cosine_min:.5f}", f"{r.ndcg_10:.4f}"]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def main() -> None:
    """Prints the table, and writes JSON with --out."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--engines", nargs="+", default=list(ENGINES))
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--chunks", type=int, default=96)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cache", type=Path, help="where converted models are kept between runs")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    names = [REFERENCE, *(name for name in options.engines if name != REFERENCE)]
    with tempfile.TemporaryDirectory() as scratch:
        cache = options.cache or Path(scratch)
        encoders = {
            name: load_encoder(options.model, engine=name, cache=cache, threads=options.threads)
            for name in names
        }
        data = read_collection(options.data)
        results = measure(encoders, data, options.chunks, options.rounds)
    print(table(results))
    if options.out:
        options.out.write_text(json.dumps([asdict(result) for result in results], indent=1))


if __name__ == "__main__":
    main()
