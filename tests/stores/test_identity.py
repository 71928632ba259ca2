"""Mismatched library ids are detected, reported, and block repairs (PostgreSQL, Milvus Lite)."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from domain.errors import InternalError, StoresDoNotMatch
from domain.identity import StoreIdentity, StoreMark
from domain.jobs import Lane, Upload
from stores.blobs.blob_store import LIBRARY_KEY, BlobStore, pdf_key
from stores.consistency.consistency_queries import ConsistencyQueries
from stores.consistency.reconcile import Reconciler
from stores.consistency.store_identity import (
    LEGACY_NAME,
    IdentityCheck,
    IdentityGuard,
    choose_name,
    default_name,
)
from stores.embedded.embedded_postgres import EmbeddedPostgres
from stores.milvus.vector_store import VectorStore
from stores.postgres.database import Database
from stores.postgres.document_store import DocumentStore
from stores.postgres.job_store import JobStore
from stores.postgres.library_record import LibraryStore
from stores.postgres.task_queue import TaskQueue
from tests.records import make_chunk
from tests.stores.milvus import DIMENSION, MilvusLite, connect
from tests.stores.postgres import (
    APPLICATION,
    NEW_LIBRARY,
    TEMPLATE,
    Stores,
    execute,
    postgres_stores,
    url_of,
)
from tests.stores.work import DONE, LEASE, admit

HOUR = 3600


@dataclass
class Installation:
    """A database with a vector store and a blob store, which may be those of another library."""

    database: Database
    vectors: VectorStore
    blobs: BlobStore

    @property
    def stores(self) -> Stores:
        return postgres_stores(self.database)

    @property
    def library(self) -> LibraryStore:
        return LibraryStore(self.database)

    @property
    def check(self) -> IdentityCheck:
        return IdentityCheck(self.library, self.vectors, self.blobs)

    @property
    def reconciler(self) -> Reconciler:
        return Reconciler(
            ConsistencyQueries(self.database),
            JobStore(self.database),
            TaskQueue(self.database),
            self.vectors,
            self.blobs,
            self.check,
        )

    async def paper(self, folder: Path) -> str:
        """Adds a searchable paper with three chunks; returns its id."""
        source = folder / "upload.pdf"
        source.write_bytes(b"%PDF-" + uuid.uuid4().bytes)
        blob = self.blobs.put_file(source, 1000)
        await admit(self.stores, Upload("a.pdf", blob.sha256, blob.bytes))
        [task] = await self.stores.queue.claim(
            Lane.INTERACTIVE, 10, worker="me", lease_seconds=LEASE
        )
        made = [make_chunk(task.document_id, ordinal) for ordinal in range(3)]
        self.vectors.upsert(made, np.ones((3, DIMENSION), np.float32), collection="papers")
        await self.stores.queue.finish(task, replace(DONE, chunks=3, artifact_key=None))
        return task.document_id

    def with_database(self, database: Database) -> Installation:
        """Returns an installation with the same vectors and blobs but another database."""
        return Installation(database, self.vectors, self.blobs)


@pytest.fixture
async def other_database(postgres: EmbeddedPostgres) -> AsyncIterator[Database]:
    """A second, freshly migrated database."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    await execute(postgres, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} OWNER {APPLICATION}")
    await execute(postgres, NEW_LIBRARY, name)
    database = Database(url_of(postgres, name))
    yield database
    await database.close()
    await execute(postgres, f"DROP DATABASE {name} WITH (FORCE)")


Collection = Callable[[str], VectorStore]


@pytest.fixture
async def collection(milvus: MilvusLite) -> AsyncIterator[Collection]:
    """Creates and prepares a vector store whose alias has this prefix."""
    unique = uuid.uuid4().hex[:8]
    async with AsyncExitStack() as opened:

        def make(name: str) -> VectorStore:
            store = connect(milvus, name, model=unique)
            opened.callback(store.close)
            store.prepare()
            return store

        yield make


@pytest.fixture
async def ours(database: Database, collection: Collection, tmp_path: Path) -> Installation:
    """An installation without library ids and papers."""
    blobs = BlobStore(str(tmp_path / "blobs"))
    blobs.prepare()
    return Installation(database, collection(f"t_{uuid.uuid4().hex[:8]}"), blobs)


async def test_first_start_writes_library_id_to_every_store(ours: Installation) -> None:
    assert (await ours.check.inspect()).milvus == StoreMark(None)
    found = await ours.check.stamp()
    assert found.matches
    library_id = (await ours.library.record()).library_id
    assert found == StoreIdentity(library_id, StoreMark(library_id), StoreMark(library_id))
    assert await ours.check.stamp() == found, "a second start changes nothing"


async def test_upgraded_installation_gets_library_id(ours: Installation, tmp_path: Path) -> None:
    await ours.paper(tmp_path)
    assert (await ours.check.stamp()).matches


async def test_new_database_does_not_claim_stores_with_papers(
    ours: Installation, other_database: Database, tmp_path: Path
) -> None:
    """The database was lost or is another one, so the owner of the papers is unknown."""
    await ours.paper(tmp_path)
    wrong = ours.with_database(other_database)
    found = await wrong.check.stamp()
    assert found.problems == (
        "Milvus has no library id and holds papers that PostgreSQL does not know.",
        "The blob store has no library id and holds papers that PostgreSQL does not know.",
    )
    assert ours.vectors.library_id() is None and ours.blobs.library_id() is None


async def test_each_mismatched_store_is_reported(
    ours: Installation, other_database: Database, collection: Collection
) -> None:
    mine = (await ours.check.stamp()).postgres
    wrong = ours.with_database(other_database)
    theirs = (await wrong.library.record()).library_id
    assert (await wrong.check.inspect()).problems == (
        f"PostgreSQL belongs to library {theirs}, Milvus to library {mine}.",
        f"PostgreSQL belongs to library {theirs}, the blob store to library {mine}.",
    )
    wrong.vectors = collection(f"t_{uuid.uuid4().hex[:8]}")
    assert (await wrong.check.stamp()).problems == (
        f"PostgreSQL belongs to library {theirs}, the blob store to library {mine}.",
        f"Milvus belongs to library {theirs}, the blob store to library {mine}.",
    )


@pytest.mark.parametrize("stamped", [True, False])
async def test_mismatched_database_deletes_and_queues_nothing(
    ours: Installation, other_database: Database, tmp_path: Path, stamped: bool
) -> None:
    """Regression: a service with an empty database found 631 orphan chunks and 57 orphan PDFs,
    and deleted all of them."""
    names = {await ours.paper(tmp_path) for _ in range(3)}
    if stamped:
        await ours.check.stamp()
    wrong = ours.with_database(other_database).reconciler
    found = await wrong.compare()
    assert len(found.orphan_chunks) == 3 and found.identity
    for act in (
        lambda: wrong.reconcile(),
        lambda: wrong.reconcile(counts_only=True),
        lambda: wrong.clean_up(0),
        lambda: wrong.repair(found),
        lambda: wrong.repair(found, delete_orphans=True),
    ):
        with pytest.raises(StoresDoNotMatch):
            await act()
    assert {name for name, _ in ours.vectors.contents()} == names
    assert ours.vectors.total() == 9
    assert len([blob for blob in ours.blobs.listed() if blob.is_pdf]) == 3
    assert list(ours.blobs.trashed()) == []
    assert (await JobStore(other_database).jobs()).items == []


async def test_claim_overwrites_library_id_of_stores(
    ours: Installation, other_database: Database, tmp_path: Path
) -> None:
    await ours.paper(tmp_path)
    await ours.check.stamp()
    restored = ours.with_database(other_database)
    assert (await restored.check.claim()).matches
    assert not (await ours.check.inspect()).matches


async def test_concurrent_starts_write_one_library_id(
    ours: Installation, other_database: Database
) -> None:
    first, second = (await ours.library.record()).library_id, str(uuid.uuid4())
    ours.blobs.set_library_id(first)
    ours.blobs.set_library_id(second)
    assert ours.blobs.library_id() == first


def test_invalid_library_json_raises_error(tmp_path: Path) -> None:
    blobs = BlobStore(str(tmp_path))
    blobs.prepare()
    for content in (b"", b"[]", b'{"library_id": 7}', b"\xff"):
        blobs.put_artifact(LIBRARY_KEY, content)
        with pytest.raises(InternalError):
            blobs.library_id()


async def test_bucket_stores_library_id() -> None:
    blobs = BlobStore(f"memory://{uuid.uuid4().hex}")
    first, second = str(uuid.uuid4()), str(uuid.uuid4())
    assert blobs.library_id() is None
    blobs.set_library_id(first)
    blobs.set_library_id(second)
    assert blobs.library_id() == first
    blobs.set_library_id(second, replace=True)
    assert blobs.library_id() == second


async def test_two_installations_on_one_milvus_use_separate_collections(
    ours: Installation,
    other_database: Database,
    collection: Collection,
    milvus: MilvusLite,
    tmp_path: Path,
) -> None:
    """Both match, and neither deletes data of the other."""
    made = []
    for database, folder in ((ours.database, "one"), (other_database, "two")):
        (tmp_path / folder).mkdir()
        library = LibraryStore(database)
        legacy = connect(milvus, "t_legacy", model="none")
        name = await choose_name(library, legacy)
        assert name == default_name((await library.record()).library_id)
        assert not legacy.exists(), "inspecting creates no collection"
        blobs = BlobStore(str(tmp_path / folder / "blobs"))
        blobs.prepare()
        installation = Installation(database, collection(name), blobs)
        assert (await installation.check.stamp()).matches
        await installation.paper(tmp_path)
        made.append(installation)
    for one in made:
        assert (await one.reconciler.reconcile()).is_empty
        assert one.vectors.total() == 3
        found = await one.reconciler.compare()
        assert not any(found.counts.values()) and not found.identity


@pytest.mark.parametrize("marked", ["not at all", "as ours", "as another"])
async def test_legacy_installation_keeps_its_own_collection(
    ours: Installation, tmp_path: Path, marked: str
) -> None:
    await ours.paper(tmp_path)
    library_id = (await ours.library.record()).library_id
    if marked != "not at all":
        ours.vectors.set_library_id(library_id if marked == "as ours" else str(uuid.uuid4()))
    name = await choose_name(ours.library, ours.vectors)
    assert name == (default_name(library_id) if marked == "as another" else LEGACY_NAME)
    assert await choose_name(ours.library, ours.vectors) == name


async def test_new_database_does_not_take_legacy_collection(
    ours: Installation, other_database: Database, tmp_path: Path
) -> None:
    await ours.paper(tmp_path)
    library = LibraryStore(other_database)
    name = await choose_name(library, ours.vectors)
    assert name == default_name((await library.record()).library_id)


async def test_identity_guard_caches_result(ours: Installation, other_database: Database) -> None:
    await ours.check.stamp()
    now = 0.0
    guard = IdentityGuard(ours.check, clock=lambda: now, seconds=10)
    assert await guard.problems() == ()
    ours.blobs.set_library_id(str(uuid.uuid4()), replace=True)
    now = 9.0
    assert await guard.problems() == ()
    now = 10.0
    assert len(await guard.problems()) == 2
    await other_database.close()
    guard.check = IdentityCheck(
        LibraryStore(Database("postgresql://nobody@127.0.0.1:1/none")), ours.vectors, ours.blobs
    )
    now = 30.0
    assert len(await guard.problems()) == 2, (
        "the cached result is kept while a store is unavailable"
    )


async def test_tombstone_counts_as_known_document(ours: Installation, tmp_path: Path) -> None:
    """Its chunks or its PDF may remain for a while; they do not count as foreign."""
    name = await ours.paper(tmp_path)
    await DocumentStore(ours.database).delete(name)
    assert pdf_key("0" * 64) not in {blob.key for blob in ours.blobs.listed()}
    assert (await ours.check.stamp()).matches
