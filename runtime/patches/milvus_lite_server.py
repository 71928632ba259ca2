"""The Milvus Lite server, fit to be killed:

    python -P runtime/patches/milvus_lite_server.py PORT FOLDER TOKEN_FILE

Milvus Lite says of itself that writes to one collection must not run at the same time, but its own
server lets them: three writers and a kill -9 lost papers that had been acknowledged, and flushes
failed for good. Here they take turns, and each collection is opened once. It writes index files in
place, so that one cut short by a kill keeps the collection from loading ever after: they are made
anew at every start. And when it is killed after it has sealed rows in a data file, but before it
has deleted their log, it reads them from both and shows them twice: such logs go before they are
read.
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

ANSWERS_AT_ONCE = 16  # writers that wait for their turn are among them
MESSAGE_BYTES = 256 * 1024 * 1024  # as a Milvus server takes
GRACE_SECONDS = 3
READS_ROWS = ("Query", "Search", "HybridSearch")
READS = (*READS_ROWS, "Connect", "CheckHealth", "Describe", "Get", "Has", "List", "Show")


class Sealing:
    """Many may read at once, or one seals rows and nobody reads: rows on their way from memory to
    a data file are in neither for as long as that takes, up to seconds behind a compaction."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._readers = 0
        self._is_sealing = False

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Nobody seals in this block."""
        with self._changed:
            self._changed.wait_for(lambda: not self._is_sealing)
            self._readers += 1
        try:
            yield
        finally:
            with self._changed:
                self._readers -= 1
                self._changed.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody reads in this block; who comes now waits, who is at it ends first."""
        with self._changed:
            self._changed.wait_for(lambda: not self._is_sealing)
            self._is_sealing = True
            self._changed.wait_for(lambda: not self._readers)
        try:
            yield
        finally:
            with self._changed:
                self._is_sealing = False
                self._changed.notify_all()


SEALING = Sealing()


class WatchedCollection(Collection):
    """A collection that knows when a write failed in the middle, as on a full disk: then what it
    holds in memory is not what its files say. Its next log would lie behind a torn end, and the
    next sealing would delete the log of rows that were not sealed."""

    is_broken = False

    def _apply(self, op: Any) -> None:
        with self._unless_it_fails():
            super()._apply(op)

    def _trigger_flush(self) -> None:
        with SEALING.alone(), self._unless_it_fails():
            super()._trigger_flush()

    @contextmanager
    def _unless_it_fails(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.is_broken = True
            raise


class Library(MilvusLite):
    """Opens each collection once, whoever comes first: of two at the same time, each with a log of
    its own under one name, the second wiped out what the first had written. One that is broken is
    opened again, from its files."""

    def __init__(self, folder: str) -> None:
        self._opening = RLock()
        milvus_lite.db.Collection = WatchedCollection
        super().__init__(folder)

    def create_collection(self, *arguments: Any, **more: Any) -> Collection:
        """As Milvus Lite does it."""
        with self._opening:
            return super().create_collection(*arguments, **more)

    def get_collection(self, *arguments: Any, **more: Any) -> Collection:
        """The collection, open and whole. Raises what Milvus Lite raises."""
        with self._opening:
            found = super().get_collection(*arguments, **more)
            assert isinstance(found, WatchedCollection)
            if not found.is_broken:
                return found
            self._collections = {k: one for k, one in self._collections.items() if one is not found}
            forget_sealed_logs(Path(found.data_dir))
            return super().get_collection(*arguments, **more)


class OneWriter(grpc.ServerInterceptor):
    """Calls that change something wait for each other; the others run at once, but for those that
    read rows while some are being sealed."""

    def __init__(self) -> None:
        self.turn = Lock()

    def intercept_service(
        self, continuation: Callable[[Any], Any], handler_call_details: Any
    ) -> Any:
        """The handler of the call, in its turn where it writes."""
        handler = continuation(handler_call_details)
        name = handler_call_details.method.rpartition("/")[2]
        if handler is None or handler.unary_unary is None:
            return handler
        if name.startswith(READS_ROWS):
            return _within(SEALING.reading, handler)
        return handler if name.startswith(READS) else _within(lambda: self.turn, handler)


class TokenRequired(grpc.ServerInterceptor):
    """Calls without the token are refused as UNAUTHENTICATED, streams too.

    pymilvus sends `token=` as base64 in the metadata `authorization`.
    """

    def __init__(self, token: str) -> None:
        self.expected = base64.b64encode(token.encode())

    def intercept_service(
        self, continuation: Callable[[Any], Any], handler_call_details: Any
    ) -> Any:
        """The handler of the call, or one that refuses it."""
        given = dict(handler_call_details.invocation_metadata).get("authorization", "")
        if hmac.compare_digest(given.encode(), self.expected):
            return continuation(handler_call_details)
        return grpc.unary_unary_rpc_method_handler(_refuse)


def _refuse(_request: Any, context: grpc.ServicerContext) -> None:
    context.abort(grpc.StatusCode.UNAUTHENTICATED, "This Milvus Lite server wants its token.")


def _within(enter: Callable[[], Any], handler: Any) -> Any:
    """The handler, which answers within that context."""

    def answer(request: Any, context: Any) -> Any:
        with enter():
            return handler.unary_unary(request, context)

    return grpc.unary_unary_rpc_method_handler(
        answer,
        request_deserializer=handler.request_deserializer,
        response_serializer=handler.response_serializer,
    )


def forget_indexes(data: Path) -> None:
    """Every index file is gone; loading a collection writes it anew from the rows."""
    for file in data.glob("**/indexes/*.idx"):
        file.unlink()


def forget_sealed_logs(data: Path) -> None:
    """Every log is gone whose rows lie in data files: the manifest, renamed into place, says so."""
    for file in data.glob("**/manifest.json"):
        next_log = Manifest.load(str(file.parent)).active_wal_number
        if next_log is not None:
            _cleanup_old_wals(str(file.parent / "wal"), next_log - 1)


def main(port: str, folder: str, token_file: str) -> None:
    """Serves clients with the token on loopback until SIGTERM or SIGINT, then saves everything."""
    library = Library(folder)  # locks the folder, and opens collections as they are asked for
    forget_indexes(Path(folder))
    forget_sealed_logs(Path(folder))
    options = ("grpc.max_receive_message_length", "grpc.max_send_message_length")
    server = grpc.server(
        ThreadPoolExecutor(ANSWERS_AT_ONCE),
        interceptors=[TokenRequired(Path(token_file).read_text()), OneWriter()],
        options=[(option, MESSAGE_BYTES) for option in options],
    )
    milvus_pb2_grpc.add_MilvusServiceServicer_to_server(MilvusServicer(library), server)
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: server.stop(GRACE_SECONDS))
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    server.wait_for_termination()
    library.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
