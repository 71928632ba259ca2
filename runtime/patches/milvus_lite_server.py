"""Milvus Lite server that survives kill -9 and concurrent writers. Patches milvus-lite 3.2.

Run as `python -P runtime/patches/milvus_lite_server.py PORT FOLDER TOKEN_FILE`.

Private names:
    `milvus_lite.db.Collection` is replaced by a subclass that overrides `_apply` and
    `_trigger_flush`; `MilvusLite._collections` is written; `storage.wal._cleanup_old_wals`,
    `storage.manifest.Manifest.active_wal_number` and `Collection.data_dir` are used.

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

Check on upgrade: the private names above, the call order of `_apply` and `_trigger_flush`, and the
method names in READS; tests/stores/test_killed_servers.py, test_full_disk.py, test_milvus_token.py.
"""

from __future__ import annotations

import base64
import hmac
import signal
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Condition, Lock, RLock
from typing import Any

import grpc
import milvus_lite.db
from milvus_lite.adapter.grpc.servicer import MilvusServicer
from milvus_lite.db import MilvusLite
from milvus_lite.engine.collection import Collection
from milvus_lite.storage.manifest import Manifest
from milvus_lite.storage.wal import _cleanup_old_wals
from pymilvus.grpc_gen import milvus_pb2_grpc

MAX_WORKERS = 16  # includes writers that wait for the write lock
MESSAGE_BYTES = 256 * 1024 * 1024  # the limit of a Milvus server
GRACE_SECONDS = 3
READS_OF_ROWS = ("Query", "Search", "HybridSearch")
READS = (*READS_OF_ROWS, "Connect", "CheckHealth", "Describe", "Get", "Has", "List", "Show")


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
    """

    is_broken = False

    def _apply(self, op: Any) -> None:
        with self._mark_broken_on_error():
            super()._apply(op)

    def _trigger_flush(self) -> None:
        with FLUSH_LOCK.exclusive(), self._mark_broken_on_error():
            super()._trigger_flush()

    @contextmanager
    def _mark_broken_on_error(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.is_broken = True
            raise


class SafeMilvusLite(MilvusLite):
    """Opens each collection once, under a lock, and reopens a broken one from its files.

    Without the lock, two concurrent calls open it twice, each with a WAL of the same name.
    """

    def __init__(self, folder: str) -> None:
        self._opening = RLock()
        milvus_lite.db.Collection = GuardedCollection
        super().__init__(folder)

    def create_collection(self, *arguments: Any, **more: Any) -> Collection:
        """Creates the collection as Milvus Lite does, under the lock."""
        with self._opening:
            return super().create_collection(*arguments, **more)

    def get_collection(self, *arguments: Any, **more: Any) -> Collection:
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
            return super().get_collection(*arguments, **more)


class SingleWriterInterceptor(grpc.ServerInterceptor):
    """Serializes calls that write; other calls run concurrently, except reads of rows during a
    flush."""

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
        if name.startswith(READS_OF_ROWS):
            return _within(FLUSH_LOCK.reading, handler)
        return handler if name.startswith(READS) else _within(lambda: self.write_lock, handler)


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


def _within(enter: Callable[[], Any], handler: Any) -> Any:
    """Returns the handler, which runs within that context manager."""

    def answer(request: Any, context: Any) -> Any:
        with enter():
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


def main(port: str, folder: str, token_file: str) -> None:
    """Serves authenticated clients on loopback until SIGTERM or SIGINT, then flushes all data."""
    database = SafeMilvusLite(folder)  # locks the folder; opens collections on first access
    delete_index_files(Path(folder))
    delete_flushed_wals(Path(folder))
    options = ("grpc.max_receive_message_length", "grpc.max_send_message_length")
    server = grpc.server(
        ThreadPoolExecutor(MAX_WORKERS),
        interceptors=[
            TokenAuthInterceptor(Path(token_file).read_text()),
            SingleWriterInterceptor(),
        ],
        options=[(option, MESSAGE_BYTES) for option in options],
    )
    milvus_pb2_grpc.add_MilvusServiceServicer_to_server(MilvusServicer(database), server)
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: server.stop(GRACE_SECONDS))
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    server.wait_for_termination()
    database.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
