"""A real PostgreSQL server for the tests, and the stores on it and on in-memory fakes."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from sqlalchemy import Connection, DateTime, text, update
from sqlmodel import SQLModel

from domain.fair_share import EQUAL_SHARES, ShareWeights
from stores.embedded.embedded_postgres import EmbeddedPostgres
from stores.postgres.collection_store import CollectionStore
from stores.postgres.database import Database
from stores.postgres.deletion_queue import DeletionQueue
from stores.postgres.document_store import DocumentStore
from stores.postgres.event_feed import EventFeed
from stores.postgres.event_log import EventLog
from stores.postgres.folder_jobs import FolderJobs
from stores.postgres.job_control import JobControl
from stores.postgres.job_store import JobStore
from stores.postgres.migrate import migrate
from stores.postgres.postgres_roles import APPLICATION, SUPERUSER
from stores.postgres.task_queue import TaskQueue
from tests.fakes.in_memory_collections import InMemoryCollectionStore
from tests.fakes.in_memory_deletions import InMemoryDeletionQueue
from tests.fakes.in_memory_documents import InMemoryDocumentStore
from tests.fakes.in_memory_events import InMemoryEventFeed, InMemoryEventLog
from tests.fakes.in_memory_folders import InMemoryFolderJobs
from tests.fakes.in_memory_job_control import InMemoryJobControl
from tests.fakes.in_memory_jobs import InMemoryJobStore, InMemoryStores
from tests.fakes.in_memory_queue import InMemoryTaskQueue

TEMPLATE = "migrated"
NEW_LIBRARY = "UPDATE library SET library_id = gen_random_uuid(), milvus_name = NULL"
MAX_ATTEMPTS = 3
KEEP_DAYS = 7


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A running server with a migrated template database, shared by the tests."""
    server = EmbeddedPostgres(tmp_path_factory.mktemp("postgres"))
    server.start()
    try:
        asyncio.run(make_template(server))
        yield server
    finally:
        server.stop()


async def make_template(server: EmbeddedPostgres) -> None:
    """Creates a migrated database, which is cloned for each test."""
    await execute(server, f"CREATE DATABASE {TEMPLATE} OWNER {APPLICATION}")
    database = Database(url_of(server, TEMPLATE))
    await migrate(database)
    await database.close()


@pytest.fixture
async def database_url(postgres: EmbeddedPostgres) -> AsyncIterator[str]:
    """The URL of a new database, migrated and empty."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    await execute(postgres, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} OWNER {APPLICATION}")
    await execute(postgres, NEW_LIBRARY, name)  # a clone has the library id of the template
    yield url_of(postgres, name)
    await execute(postgres, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """Connections to a new database."""
    database = Database(database_url)
    yield database
    await database.close()


async def execute(server: EmbeddedPostgres, statement: str, database: str | None = None) -> None:
    """Runs a statement outside a transaction; as the superuser unless a database is given."""
    connection = await asyncpg.connect(
        url_of(server, database) if database else superuser_url(server)
    )
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def url_of(server: EmbeddedPostgres, name: str) -> str:
    """Returns the application's URL of a database of the server."""
    return server.url_of(name)


def superuser_url(server: EmbeddedPostgres) -> str:
    """Returns the superuser's URL, including the password."""
    password = server.passwords.superuser.read_text()
    return f"postgresql://{SUPERUSER}:{password}@127.0.0.1:{server.port}/postgres"


@dataclass(frozen=True, slots=True)
class Stores:
    """The stores over one shared state; `advance` moves the time forward by seconds."""

    jobs: JobStore | InMemoryJobStore
    queue: TaskQueue | InMemoryTaskQueue
    documents: DocumentStore | InMemoryDocumentStore
    job_control: JobControl | InMemoryJobControl
    events: EventLog | InMemoryEventLog
    event_feed: EventFeed | InMemoryEventFeed
    deletions: DeletionQueue | InMemoryDeletionQueue
    collections: CollectionStore | InMemoryCollectionStore
    folders: FolderJobs | InMemoryFolderJobs
    advance: Callable[[float], Awaitable[None]]


class Clock:
    """A clock that tests control; strictly monotonic, so that no two readings are equal."""

    def __init__(self) -> None:
        self.time = datetime(2030, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.time += timedelta(microseconds=1)
        return self.time

    async def advance(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


def memory_stores(weights: ShareWeights = EQUAL_SHARES) -> Stores:
    """Returns new fakes with their own clock."""
    clock = Clock()
    made = InMemoryStores(clock, max_attempts=MAX_ATTEMPTS, keep_days=KEEP_DAYS, weights=weights)
    return Stores(
        jobs=made.jobs,
        queue=made.queue,
        documents=made.documents,
        job_control=made.job_control,
        events=made.events,
        event_feed=made.event_feed,
        deletions=made.deletions,
        collections=InMemoryCollectionStore(made.state, made.documents),
        folders=made.folders,
        advance=clock.advance,
    )


def postgres_stores(database: Database, weights: ShareWeights = EQUAL_SHARES) -> Stores:
    """Returns the real stores. `advance` moves all stored times back, as the clock is fixed."""

    async def advance(seconds: float) -> None:
        async with database.begin() as connection:
            await connection.run_sync(shift_times, timedelta(seconds=seconds))

    return Stores(
        jobs=JobStore(database, max_attempts=MAX_ATTEMPTS, keep_days=KEEP_DAYS),
        queue=TaskQueue(database, weights=weights),
        documents=DocumentStore(database),
        job_control=JobControl(database),
        events=EventLog(database),
        event_feed=EventFeed(database),
        deletions=DeletionQueue(database),
        collections=CollectionStore(database),
        folders=FolderJobs(database),
        advance=advance,
    )


def shift_times(connection: Connection, age: timedelta) -> None:
    """Moves every timestamp in every table back by `age`."""
    for table in SQLModel.metadata.tables.values():
        times = [column for column in table.columns if isinstance(column.type, DateTime)]
        if times:
            connection.execute(update(table).values({time: time - age for time in times}))


async def wipe(database: Database) -> None:
    """Empties every table."""
    async with database.begin() as connection:
        await connection.execute(
            text(
                "TRUNCATE store_deletions, job_events, folder_jobs, tasks, jobs, citations, "
                "documents, collections"
            )
        )


@pytest.fixture(params=["memory", "postgres"])
def stores(request: pytest.FixtureRequest) -> Stores:
    """The real stores and the fakes: each test runs on both."""
    if request.param == "memory":
        return memory_stores()
    return postgres_stores(request.getfixturevalue("database"))
