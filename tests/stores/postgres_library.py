"""Test harness: the API over PostgreSQL, for routes whose queries have no in-memory fake."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from actors.store_cleanup import StoreCleanup
from serve_app.api.app import create_api
from stores.consistency.consistency_queries import ConsistencyQueries
from stores.milvus.vector_store import VectorStore
from stores.postgres.citation_store import CitationStore
from stores.postgres.database import Database
from stores.postgres.library_record import LibraryStore
from stores.postgres.webhook_store import WebhookStore
from tests.stores.postgres import postgres_stores
from tests.unit.serve_app.library import Library


class UnpooledDatabase(Database):
    """Opens a connection for each block, so that several event loops may use it."""

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        async with self.dedicated(self.limits) as connection, connection.begin():
            yield connection

    @asynccontextmanager
    async def single(self) -> AsyncIterator[AsyncConnection]:
        async with self.dedicated(self.limits) as connection:
            yield await connection.execution_options(isolation_level="AUTOCOMMIT")


class PostgresLibrary(Library):
    """The API over PostgreSQL, with vectors in memory unless a vector store is given."""

    def __init__(
        self, folder: Path, database: Database, library_id: str, vectors: VectorStore | None = None
    ) -> None:
        super().__init__(folder)
        stores = postgres_stores(database)
        self.stores = cast(Any, stores)
        self.vectors = cast(Any, vectors or self.vectors)
        self.library = cast(Any, LibraryStore(database))
        self.library_id = library_id
        self.services = dataclasses.replace(
            self.services,
            jobs=stores.jobs,
            job_control=stores.job_control,
            events=stores.events,
            queue=stores.queue,
            documents=stores.documents,
            audit=ConsistencyQueries(database),
            citations=CitationStore(database),
            vectors=self.vectors,
            library=self.library,
            guard=self.identity_guard(),
            webhooks=WebhookStore(database),
        )
        self.cleanup = StoreCleanup(stores.deletions, self, poll_seconds=1)
        self.app = create_api(self.services)
        self.http = self.connect()


async def open_library(
    folder: Path, database: Database, vectors: VectorStore | None = None
) -> PostgresLibrary:
    """Returns the API over an empty, migrated database."""
    record = await LibraryStore(database).record()
    return PostgresLibrary(folder, database, record.library_id, vectors)


@pytest.fixture
async def library(tmp_path: Path, database_url: str) -> AsyncIterator[PostgresLibrary]:
    """An empty library on a new database; a server thread and the test may use it together."""
    made = await open_library(tmp_path, UnpooledDatabase(database_url))
    yield made
    await made.http.aclose()
    made.close()
