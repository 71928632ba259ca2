"""Libraries of generated chunks: rows in Milvus, and documents in PostgreSQL that own them."""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from sqlalchemy.dialects.postgresql import insert

from domain.documents import Chunk, ChunkKind, DocumentStatus, chunk_id, document_id
from domain.papers import Box
from embedding.embed_options import EmbedOptions
from stores.consistency.store_identity import default_name
from stores.embedded.embedded_milvus import EmbeddedMilvus
from stores.embedded.embedded_postgres import EmbeddedPostgres
from stores.milvus.vector_store import VectorStore
from stores.postgres.database import Database
from stores.postgres.library_record import LibraryStore
from stores.postgres.migrate import migrate
from stores.postgres.schema import COLLECTIONS, DOCUMENTS
from tests.pdf_builder.random_papers import python_docs_paragraphs

CHUNKS_OF_A_DOCUMENT, DIMENSION = 70, 384
CHUNK_CHARACTERS = 1000
TOPICS = 300  # vectors are a topic plus noise of the same length, as documents have subjects


def fill_home(home: Path, collection: str, end: int, *, first: int = 0) -> None:
    """Adds chunks `first` to `end` to the embedded stores of a home that no service uses."""
    postgres = EmbeddedPostgres(home / "stores" / "postgres")
    milvus = EmbeddedMilvus(home / "stores" / "milvus")
    postgres.start()
    milvus.start()
    try:
        name = asyncio.run(_add_documents(postgres.url, collection, first, end))
        store = VectorStore(
            milvus.url,
            milvus.token_file.read_text(),
            name=name,
            dimension=DIMENSION,
            model=EmbedOptions().name,
            timeout_seconds=60,
        )
        store.prepare()
        for rows, vectors in made_documents(collection, first, end):
            store.upsert(rows, vectors, collection=collection)
        store.close()
    finally:
        milvus.stop()
        postgres.stop()


async def _add_documents(url: str, collection: str, first: int, end: int) -> str:
    """Adds the documents of `made_documents`; returns the name of the Milvus collection."""
    database = Database(url, pool_size=1)
    try:
        await migrate(database)
        async with database.begin() as connection:
            known = insert(COLLECTIONS).values(name=collection).on_conflict_do_nothing()
            await connection.execute(known)
            rows = [_document(collection, *part) for part in _parts(first, end)]
            if rows:
                await connection.execute(insert(DOCUMENTS), rows)
        library = LibraryStore(database)
        return await library.set_milvus_name(default_name((await library.record()).library_id))
    finally:
        await database.close()


def _document(collection: str, first: int, chunks: int) -> dict[str, object]:
    return {
        "document_id": document_id(collection, _digest(first)),
        "collection": collection,
        "sha256": _digest(first),
        "filename": f"{first}.pdf",
        "bytes": 1,
        "status": DocumentStatus.READY,
        "chunks": chunks,
    }


def made_documents(
    collection: str, first: int, end: int
) -> Iterator[tuple[list[Chunk], np.ndarray]]:
    """Yields the chunks and vectors of documents, from chunk `first` up to chunk `end`."""
    for start, size in _parts(first, end):
        chance = random.Random(start)
        name = document_id(collection, _digest(start))
        yield [_chunk(name, ordinal, chance) for ordinal in range(size)], made_vectors(chance, size)


def _parts(first: int, end: int) -> Iterator[tuple[int, int]]:
    """Yields the first chunk and the number of chunks of each document."""
    for start in range(first, end, CHUNKS_OF_A_DOCUMENT):
        yield start, min(CHUNKS_OF_A_DOCUMENT, end - start)


def _digest(first: int) -> str:
    return hashlib.sha256(str(first).encode()).hexdigest()


def _chunk(document: str, ordinal: int, chance: random.Random) -> Chunk:
    text = " ".join(chance.sample(python_docs_paragraphs(), 4))[:CHUNK_CHARACTERS]
    box = Box(1 + ordinal // 5, 54.0, 66.0, 288.0, 200.0)
    name = chunk_id(document, 1, ordinal, ChunkKind.TEXT, text)
    return Chunk(name, document, 1, ordinal, ChunkKind.TEXT, text, "Made section", (box,))


def made_vectors(chance: random.Random, count: int) -> np.ndarray:
    """Returns vectors near TOPICS directions, shape (count, DIMENSION)."""
    topics = np.random.default_rng(1).standard_normal((TOPICS, DIMENSION), np.float32)
    noise = np.random.default_rng(chance.randrange(2**32))
    chosen = topics[noise.integers(0, TOPICS, count)]
    return chosen + noise.standard_normal((count, DIMENSION), np.float32)
