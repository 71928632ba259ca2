"""Milvus Lite server that survives kill -9 and concurrent writers. Patches milvus-lite 3.2.

stores/embedded/milvus_lite_process.py is the process that runs it, with a search index.

Private names:
    `milvus_lite.db.Collection` is replaced by a subclass that overrides `_apply`, `_get_raw`,
    `_trigger_flush`, `_schedule_bg_maintenance` and `_build_or_load_segment_index`;
    `MemTable` in `engine.collection` and `engine.recovery` by one that overrides
    `_build_data_table`; `MilvusLite._collections` is written; `storage.wal._cleanup_old_wals`,
    `storage.manifest.Manifest.active_wal_number` and `Collection.data_dir` are used.
    runtime/patches/milvus_lite_rows.py lists the names that it reads.

Reasons:
    * Concurrent writes to one collection are not allowed by Milvus Lite, but its own server does
      not prevent them: three writers and a kill -9 lost acknowledged papers, and flushes failed
      permanently. Here writes are serialized.
    * Two concurrent first accesses opened a collection twice, with two write-ahead logs (WAL) of
      the same name, and the second one overwrote the writes of the first. Here each collection is
      opened once.
    * During a flush, up to seconds if it waits for a compaction, rows are neither in memory nor in
      a data file. Here a flush excludes reads.
    * Index files are written in place. A truncated one prevents the collection from loading. Here
      they are deleted at every start; Milvus Lite rebuilds them from the rows.
    * After a kill between the flush of a data file and the deletion of its WAL, the rows are loaded
      from both and returned twice. Here such a WAL is deleted before the collection is opened.
    * A failed write, for example on a full disk, leaves the memory of a collection inconsistent
      with its files. Here the collection is opened again.
    * An upsert reads the old row of every key, under a lock that a compaction holds for seconds.
      Here only keys that are stored are read.
    * A flush builds its table value by value in Python. Here it takes the rows from the Arrow
      batches.
    * An index file of a FLAT index is a copy of the vectors. Here there is none: Milvus Lite scans
      the vectors of a segment that has no index.

Check on upgrade: the private names above, the call order of `_apply` and `_trigger_flush`, and the
method names in READS; tests/stores/test_killed_servers.py, test_full_disk.py, test_milvus_token.py,
test_search_index_server.py.
"""

from __future__ import annotations

import base64
import hmac
import logging
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Condition, Lock, RLock
from typing import Any

import grpc
import milvus_lite.db
import milvus_lite.engine.collection
import milvus_lite.engine.recovery
import pyarrow as pa
from milvus_lite.adapter.grpc.servicer import MilvusServicer
from milvus_lite.db import MilvusLite
from milvus_lite.engine.collection import Collection
from milvus_lite.engine.operation import InsertOp
from milvus_lite.storage.manifest import Manifest
from milvus_lite.storage.memtable import MemTable
from milvus_lite.storage.wal import _cleanup_old_wals
from pymilvus.grpc_gen import milvus_pb2_grpc

LOG = logging.getLogger(__name__)
MAX_WORKERS = 16  # includes writers that wait for the write lock
MESSAGE_BYTES = 256 * 1024 * 1024  # the limit of a Milvus server
GRACE_SECONDS = 3
READS = (
    *("Query", "Search", "HybridSearch"),
    *("AllocTimestamp", "Connect", "CheckHealth", "Describe", "Get", "Has", "List", "Show"),
)


class FlushLock:
    """A readers-writer lock: many readers, or one flush.

    While rows are moved from memory to a data file they are in neither.
    """

    def __init__(self) -> None:
        self._changed = Condition()
        self._readers = 0
        self._is_flushing = False

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Shared lock: waits for a running flush and blocks new ones."""
        with self._changed:
            self._changed.wait_for(lambda: not self._is_flushing)
            self._readers += 1
        try:
            yield
        finally:
            with self._changed:
                self._readers -= 1
                self._changed.notify_all()

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Exclusive lock: blocks new readers and waits for active ones to finish."""
        with self._changed:
            self._changed.wait_for(lambda: not self._is_flushing)
            self._is_flushing = True
            self._changed.wait_for(lambda: not self._readers)
        try:
            yield
        finally:
            with self._changed:
                self._is_flushing = False
                self._changed.notify_all()


FLUSH_LOCK = FlushLock()


class GuardedCollection(Collection):
    """A collection that records whether a write failed partway, for example on a full disk.

    Its memory is then inconsistent with its files: the next WAL record would follow a torn one, and
    the next flush would delete the WAL of rows that were not flushed.

    Subclasses may override `opened`, `inserted`, `deleted` and `has_key` to follow the rows. An
    error in `inserted` or `deleted` counts as a failed write.
    """

    is_broken = False
    frozen: MemTable | None = None
    """The rows that a running flush moves to a data file, until they can be read there."""
    _is_open = False

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.opened()
        self._is_open = True
        self._schedule_bg_maintenance()

    def opened(self) -> None:
        """Called when all rows are in memory, before a compaction can start."""

    def inserted(self, batch: pa.RecordBatch, partition: str) -> None:
        """Called after rows were written, before the write is acknowledged."""

    def deleted(self, keys: list[Any], partition: str) -> None:
        """Called after rows were deleted, before the deletion is acknowledged."""

    def has_key(self, key: Any) -> bool:
        """False if no row has this primary key."""
        return True

    def _apply(self, op: Any) -> None:
        with self._mark_broken_on_error():
            super()._apply(op)
            if isinstance(op, InsertOp):
                self.inserted(op.batch, op.partition)
            else:
                self.deleted(op.batch.column(self.pk_field).to_pylist(), op.partition)

    def _get_raw(self, pk: Any) -> dict[str, Any] | None:
        return super()._get_raw(pk) if self.has_key(pk) else None

    def _trigger_flush(self) -> None:
        self.frozen = self._memtable
        with FLUSH_LOCK.exclusive(), self._mark_broken_on_error():
            super()._trigger_flush()
        self.frozen = None

    def _schedule_bg_maintenance(self) -> None:
        if self._is_open:
            super()._schedule_bg_maintenance()

    def _build_or_load_segment_index(self, seg: Any, spec: Any) -> None:
        if spec.index_type != "FLAT":
            super()._build_or_load_segment_index(seg, spec)

    @contextmanager
    def _mark_broken_on_error(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.is_broken = True
            raise


class ColumnarMemTable(MemTable):
    """A write buffer that builds the table of a flush from its Arrow batches."""

    def _build_data_table(self, rows: list[tuple[int, int]]) -> pa.Table:
        batches = self._insert_batches
        firsts = [0]
        for batch in batches:
            firsts.append(firsts[-1] + batch.num_rows)
        places = pa.array([firsts[batch] + row for batch, row in rows], pa.int64())
        table = pa.Table.from_batches(batches).select(self._data_schema.names).take(places)
        return table.combine_chunks().cast(self._data_schema)


class SafeMilvusLite(MilvusLite):
    """Opens each collection once, under a lock, and reopens a broken one from its files.

    Without the lock, two concurrent calls open it twice, each with a WAL of the same name.
    """

    def __init__(
        self, folder: str, collection_class: type[GuardedCollection] = GuardedCollection
    ) -> None:
        self._opening = RLock()
        milvus_lite.db.Collection = collection_class
        milvus_lite.engine.collection.MemTable = ColumnarMemTable
        milvus_lite.engine.recovery.MemTable = ColumnarMemTable
        super().__init__(folder)

    def create_collection(self, *arguments: Any, **more: Any) -> Collection:
        """Creates the collection as Milvus Lite does, under the lock."""
        with self._opening:
            return super().create_collection(*arguments, **more)

    def get_collection(self, *arguments: Any, **more: Any) -> GuardedCollection:
        """Returns the open, consistent collection. Raises the errors of Milvus Lite."""
        with self._opening:
            collection = super().get_collection(*arguments, **more)
            assert isinstance(collection, GuardedCollection)
            if not collection.is_broken:
                return collection
            self._collections = {
                key: value for key, value in self._collections.items() if value is not collection
            }
            delete_flushed_wals(Path(collection.data_dir))
            reopened = super().get_collection(*arguments, **more)
            assert isinstance(reopened, GuardedCollection)
            return reopened


class FlushSafeServicer(MilvusServicer):
    """The calls of Milvus Lite; those that read rows wait for a running flush."""

    def Query(self, request: Any, context: Any) -> Any:
        """Returns rows by key or filter."""
        with FLUSH_LOCK.reading():
            return super().Query(request, context)

    def Search(self, request: Any, context: Any) -> Any:
        """Returns the rows nearest to a vector."""
        with FLUSH_LOCK.reading():
            return super().Search(request, context)

    def HybridSearch(self, request: Any, context: Any) -> Any:
        """Returns the fused result of several searches."""
        with FLUSH_LOCK.reading():
            return super().HybridSearch(request, context)


class SingleWriterInterceptor(grpc.ServerInterceptor):
    """Serializes calls that write; other calls run concurrently."""

    def __init__(self) -> None:
        self.write_lock = Lock()

    def intercept_service(
        self, continuation: Callable[[Any], Any], handler_call_details: Any
    ) -> Any:
        """Returns the handler of the call, wrapped in the lock that it needs."""
        handler = continuation(handler_call_details)
        name = handler_call_details.method.rpartition("/")[2]
        if handler is None or handler.unary_unary is None:
            return handler
        return handler if name.startswith(READS) else _within(self.write_lock, handler)


class TokenAuthInterceptor(grpc.ServerInterceptor):
    """Rejects calls without the token, including streams, as UNAUTHENTICATED.

    pymilvus sends `token=` as base64 in the metadata `authorization`.
    """

    def __init__(self, token: str) -> None:
        self.expected = base64.b64encode(token.encode())

    def intercept_service(
        self, continuation: Callable[[Any], Any], handler_call_details: Any
    ) -> Any:
        """Returns the handler of the call, or one that rejects it."""
        given = dict(handler_call_details.invocation_metadata).get("authorization", "")
        if hmac.compare_digest(given.encode(), self.expected):
            return continuation(handler_call_details)
        return grpc.unary_unary_rpc_method_handler(_refuse)


def _refuse(_request: Any, context: grpc.ServicerContext) -> None:
    context.abort(grpc.StatusCode.UNAUTHENTICATED, "This Milvus Lite server requires its token.")


def _within(lock: Lock, handler: Any) -> Any:
    """Returns the handler, which runs with that lock."""

    def answer(request: Any, context: Any) -> Any:
        with lock:
            return handler.unary_unary(request, context)

    return grpc.unary_unary_rpc_method_handler(
        answer,
        request_deserializer=handler.request_deserializer,
        response_serializer=handler.response_serializer,
    )


def delete_index_files(data: Path) -> None:
    """Deletes all index files; loading a collection rebuilds them from the rows."""
    for file in data.glob("**/indexes/*.idx"):
        file.unlink()


def delete_flushed_wals(data: Path) -> None:
    """Deletes the WALs whose rows are in data files, according to the manifest, which Milvus Lite
    replaces atomically."""
    for file in data.glob("**/manifest.json"):
        next_wal = Manifest.load(str(file.parent)).active_wal_number
        if next_wal is not None:
            _cleanup_old_wals(str(file.parent / "wal"), next_wal - 1)


def open_database(
    folder: str, collection_class: type[GuardedCollection] = GuardedCollection
) -> SafeMilvusLite:
    """Returns the database of a folder, which it locks, with every collection open and loaded.

    A collection that cannot be opened is logged; each call for it fails.
    """
    database = SafeMilvusLite(folder, collection_class)
    delete_index_files(Path(folder))
    delete_flushed_wals(Path(folder))
    for database_name in database.list_databases():
        for name in database.list_collections(database_name=database_name):
            try:
                database.get_collection(name, database_name=database_name).load()
            except Exception:
                LOG.exception("The collection %s cannot be opened.", name)
    return database


def serve(database: SafeMilvusLite, servicer: MilvusServicer, port: int, token: str) -> None:
    """Serves authenticated clients on loopback until SIGTERM or SIGINT, then flushes all data."""
    options = ("grpc.max_receive_message_length", "grpc.max_send_message_length")
    server = grpc.server(
        ThreadPoolExecutor(MAX_WORKERS),
        interceptors=[TokenAuthInterceptor(token), SingleWriterInterceptor()],
        options=[(option, MESSAGE_BYTES) for option in options],
    )
    milvus_pb2_grpc.add_MilvusServiceServicer_to_server(servicer, server)
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: server.stop(GRACE_SECONDS))
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    server.wait_for_termination()
    database.close()
