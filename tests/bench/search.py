"""(d) A hybrid search over 10,000 chunks, through HTTP, over the bare call of the vector store."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator

import httpx
import numpy as np
from sqlalchemy import insert

from domain.documents import Chunk, ChunkKind, DocumentStatus, chunk_id, document_id
from domain.papers import Box
from domain.search import SearchQuery
from stores.milvus.vector_store import VectorStore
from stores.postgres.database import NOW, Database
from stores.postgres.library_record import read_milvus_name
from stores.postgres.schema import COLLECTIONS, DOCUMENTS
from tests.bench.plain import open_store
from tests.bench.report import Figure, Findings, quantile
from tests.bench.stage import Stage, settle
from tests.fakes.fake_encoder import FakeEncoder
from tests.pdf_builder.random_papers import python_docs_paragraphs

CHUNKS, CHUNKS_OF_A_DOCUMENT, QUERIES, WARM_QUERIES = 10_000, 50, 120, 10
CHUNK_CHARACTERS = 1_000
COLLECTION = "bench-search"


def measure(stage: Stage) -> Findings:
    """POST /search, over VectorStore.search on the same server with the vector given, in turns."""
    store = open_store(stage.service_milvus(), read_milvus_name(stage.service_postgres()))
    stage.say(f"filling a collection with {CHUNKS:,} chunks")
    began = time.perf_counter()
    names = [document_id(COLLECTION, str(n)) for n in range(CHUNKS // CHUNKS_OF_A_DOCUMENT)]
    asyncio.run(_add_documents(stage.service_postgres(), names))
    _add_chunks(store, names)
    filled = time.perf_counter() - began
    settle()
    ours, raw = _ask(stage, store)
    details = {"filled": f"{CHUNKS:,} chunks of {len(names)} documents in {filled:.0f} s"}
    peers = ("88 ms at 3,312", "178 ms")
    figures = [
        Figure(
            f"hybrid, {CHUNKS:,} chunks, {name}",
            quantile(ours, share) * 1000,
            "ms",
            quantile(raw, share) * 1000,
            "VectorStore.search",
            peer=peer,
        )
        for name, share, peer in zip(("p50", "p99"), (0.5, 0.99), peers, strict=True)
    ]
    return Findings(figures, details)


def _ask(stage: Stage, store: VectorStore) -> tuple[list[float], list[float]]:
    """Seconds of each search through the service and of each bare one."""
    encoder = FakeEncoder(store.dimension)
    ours, raw = list[float](), list[float]()
    with httpx.Client(base_url=stage.url, timeout=60) as http:
        for question in questions(WARM_QUERIES + QUERIES):
            began = time.perf_counter()
            answer = http.post("/api/v1/search", json={"query": question, "collection": COLLECTION})
            ours.append(time.perf_counter() - began)
            if not answer.raise_for_status().json()["hits"]:
                raise RuntimeError("A search over a full collection found nothing.")
            vector = encoder.encode_queries([question])[0]
            began = time.perf_counter()
            store.search(SearchQuery(question, COLLECTION), vector)
            raw.append(time.perf_counter() - began)
    return ours[WARM_QUERIES:], raw[WARM_QUERIES:]


def questions(count: int) -> Iterator[str]:
    """Yields queries of eight words that occur together in the made papers."""
    chance = random.Random(3)
    for _ in range(count):
        words = chance.choice(python_docs_paragraphs()).split()
        start = chance.randrange(len(words) - 8)
        yield " ".join(words[start : start + 8])


async def _add_documents(url: str, names: list[str]) -> None:
    """Rows of documents that are ready: searches show what they know nothing of to nobody."""
    database = Database(url, pool_size=1)
    rows = [
        {
            "document_id": name,
            "collection": COLLECTION,
            "sha256": f"{number:064x}",
            "filename": f"{name}.pdf",
            "bytes": 1,
            "status": DocumentStatus.READY,
            "title": f"Made paper {number}",
            "chunks": CHUNKS_OF_A_DOCUMENT,
            "searchable_at": NOW,
        }
        for number, name in enumerate(names)
    ]
    async with database.begin() as connection:
        await connection.execute(insert(COLLECTIONS).values(name=COLLECTION))
        for row in rows:
            await connection.execute(insert(DOCUMENTS).values(row))
    await database.close()


def _add_chunks(store: VectorStore, names: list[str]) -> None:
    """The chunks, a document at a time as the service does it; the vectors are a stand-in's."""
    chance, encoder = random.Random(4), FakeEncoder(store.dimension)
    for name in names:
        chunks = [_chunk(name, ordinal, chance) for ordinal in range(CHUNKS_OF_A_DOCUMENT)]
        vectors: np.ndarray = encoder.encode([chunk.text for chunk in chunks])
        store.upsert(chunks, vectors, collection=COLLECTION)


def _chunk(document: str, ordinal: int, chance: random.Random) -> Chunk:
    text = " ".join(chance.sample(python_docs_paragraphs(), 4))
    start = chance.randrange(max(1, len(text) - CHUNK_CHARACTERS))
    text = text[start : start + CHUNK_CHARACTERS]
    box = Box(1 + ordinal // 5, 54.0, 66.0, 288.0, 200.0)
    kind = ChunkKind.TEXT
    name = chunk_id(document, 1, ordinal, kind, text)
    return Chunk(name, document, 1, ordinal, kind, text, "Made section", (box,))
