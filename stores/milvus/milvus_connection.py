"""A connection to Milvus that comes back: opened when needed, thrown away when it fails."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

import grpc

from domain.errors import (
    InternalError,
    InvalidRequest,
    VectorStoreRefused,
    VectorStoreUnavailable,
)
from runtime.outage_log import OutageLog
from runtime.patches.pymilvus import MilvusClient, MilvusException

Answer = TypeVar("Answer")
Ask = Callable[[MilvusClient, float], Answer]

OUTAGES = OutageLog("Milvus")
_MISSING = {4, 100, 101}  # no such collection (old and new number), collection not loaded
_CONNECT_FAILED = 2
_AWAY = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
}
_NO_SUCH_DATABASE, _NEEDS_AUTHENTICATION, _MAY_NOT = 800, 1400, 1401  # of a Milvus server
_REFUSES = {
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.PERMISSION_DENIED,
    _NO_SUCH_DATABASE,
    _NEEDS_AUTHENTICATION,
    _MAY_NOT,
}
# Its disk is full or read-only, a quota is used up: Milvus Lite passes on what the system said, a
# Milvus server "quota exceeded" or "rate limit exceeded".
_TAKES_NOTHING = ("no space left", "read-only file system", "quota exceeded", "rate limit")

# pymilvus reports every failed attempt with its traceback; who calls us hears it as an exception.
logging.getLogger("pymilvus.decorators").setLevel(logging.CRITICAL)
# And that Milvus Lite gives its iterators no time stamp, each time.
logging.getLogger("pymilvus.client.iterator.query_iterator").setLevel(logging.ERROR)


class MilvusConnection:
    """One client of a Milvus server, shared by the threads of this process.

    `embedded` says whether the server is Milvus Lite; known after the first call.
    """

    def __init__(
        self,
        uri: str,
        token: str | None,
        timeout_seconds: float,
        *,
        database: str = "",
        ca_file: str | None = None,
    ) -> None:
        self._uri = uri
        self._place = {"db_name": database} | ({"server_pem_path": ca_file} if ca_file else {})
        self._token = token
        self._timeout_seconds = timeout_seconds
        self._client: MilvusClient | None = None
        self._lock = threading.Lock()
        self.embedded = False

    def call(self, ask: Ask[Answer], *, on_missing: Ask[None] | None = None) -> Answer:
        """What `ask(client, timeout)` answers.

        When the server says that the collection is missing or not loaded, as after its restart,
        `on_missing` is run and the question asked once more. Raises `VectorStoreUnavailable` when
        the server is away, `InternalError` when it refuses the question.
        """
        try:
            client = self._connected()
            try:
                return ask(client, self._timeout_seconds)
            except MilvusException as error:
                if on_missing is None or not _codes(error) & _MISSING:
                    raise
            on_missing(client, self._timeout_seconds)
            return ask(client, self._timeout_seconds)
        except UnicodeEncodeError as error:
            raise InvalidRequest("The text holds characters that are not Unicode.") from error
        except (MilvusException, grpc.RpcError, ValueError, OSError) as error:
            raise self._named(error) from error

    def unless_done(self, make: Callable[[], object], done: Callable[[], bool]) -> None:
        """Runs `make`, unless `done`; a failure is forgiven when somebody else was faster."""
        if done():
            return
        try:
            make()
        except MilvusException:
            if not _becomes_true(done):
                raise

    def close(self) -> None:
        """The client is closed; the next call opens a new one."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _connected(self) -> MilvusClient:
        with self._lock:
            if self._client is None:
                client = MilvusClient(
                    self._uri,
                    token=self._token or "",
                    timeout=self._timeout_seconds,
                    dedicated=True,
                    **self._place,
                    # pymilvus pings every 10 s; Milvus Lite hangs up on who pings so often.
                    grpc_options={"grpc.keepalive_time_ms": 300_000},
                )
                self.embedded = "lite" in str(
                    client.get_server_version(timeout=self._timeout_seconds)
                )
                self._client = client
            return self._client

    def _named(self, error: Exception) -> VectorStoreUnavailable | InternalError:
        # pymilvus calls every failure to connect "illegal connection params or server unavailable".
        cause = _grpc_error(error) or error
        refused = _server_refuses(cause)
        if refused or _server_is_away(error):
            self.close()
            OUTAGES.note(cause)
            return VectorStoreRefused() if refused else VectorStoreUnavailable()
        return InternalError(f"The vector store refused a request: {error}"[:500])


def _grpc_error(error: BaseException) -> grpc.RpcError | None:
    """The error of gRPC that led to this one."""
    for one in _exception_chain(error):
        if isinstance(one, grpc.RpcError) and hasattr(one, "code"):
            return one
    return None


def _exception_chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what led to it, each once: pymilvus raises a stored exception again, and then
    the chain of causes can be a cycle."""
    seen = set[int]()
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        yield following
        following = following.__cause__ or following.__context__


def _server_refuses(error: BaseException) -> bool:
    """True when the server is there, but not for us: no such database, wrong or missing token, or
    a CA file that cannot be read."""
    if isinstance(error, MilvusException):
        return bool(_codes(error) & _REFUSES) or "auth check failure" in error.message
    if isinstance(error, grpc.RpcError):
        return error.code() in _REFUSES  # pyright: ignore[reportAttributeAccessIssue]
    return isinstance(error, FileNotFoundError | PermissionError)


def _server_is_away(error: Exception) -> bool:
    if isinstance(error, MilvusException):
        said = error.message.lower()
        is_known = bool(_codes(error) & (_AWAY | {_CONNECT_FAILED}))
        return is_known or any(words in said for words in ("timeout", *_TAKES_NOTHING))
    if isinstance(error, grpc.RpcError):
        return error.code() in _AWAY  # pyright: ignore[reportAttributeAccessIssue]
    return isinstance(error, OSError) or "closed channel" in str(error)


def _becomes_true(done: Callable[[], bool], attempts: int = 20, pause_seconds: float = 0.1) -> bool:
    """Whether `done` holds within two seconds: who was faster may still be at it."""
    for _ in range(attempts):
        if done():
            return True
        time.sleep(pause_seconds)
    return False


def _codes(error: MilvusException) -> set[object]:
    return {error.code, error.compatible_code}
