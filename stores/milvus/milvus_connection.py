"""A reconnecting Milvus client: opened on demand, discarded after a connection failure."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import TypeVar

import grpc

from domain.errors import InternalError, InvalidRequest, VectorStoreRefused, VectorStoreUnavailable
from runtime.outage_log import OutageLog
from runtime.patches.pymilvus import MilvusClient, MilvusException

Answer = TypeVar("Answer")
Ask = Callable[[MilvusClient, float], Answer]

OUTAGES = OutageLog("Milvus")
_MISSING = {4, 100, 101}  # collection does not exist (old and new code), collection not loaded
_CONNECT_FAILED, _NO_SUCH_DATABASE, _NEEDS_AUTHENTICATION, _PERMISSION_DENIED = 2, 800, 1400, 1401
_UNAVAILABLE = {
    _CONNECT_FAILED,
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
}
_REFUSED = {
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.PERMISSION_DENIED,
    _NO_SUCH_DATABASE,
    _NEEDS_AUTHENTICATION,
    _PERMISSION_DENIED,
}
# Messages for a full or read-only disk (Milvus Lite passes on the system's message) and for an
# exhausted quota (a Milvus server: "quota exceeded" or "rate limit exceeded").
_NO_CAPACITY = ("no space left", "read-only file system", "quota exceeded", "rate limit")
# Of a client that another thread has closed since, because it lost the connection: a message of
# pymilvus, and two of gRPC, which pymilvus passes on as unexpected errors.
_CLOSED = ("should create connection first", "closed channel", "channel closed")
_UNAVAILABLE_MESSAGES = ("timeout", *_CLOSED, *_NO_CAPACITY)

# pymilvus logs every failed attempt with a traceback; callers get the exception anyway.
logging.getLogger("pymilvus.decorators").setLevel(logging.CRITICAL)
# pymilvus logs for every iterator that Milvus Lite returns no timestamp.
logging.getLogger("pymilvus.client.iterator.query_iterator").setLevel(logging.ERROR)


class MilvusConnection:
    """One client of a Milvus server, shared by the threads of this process.

    `embedded` is True if the server is Milvus Lite; valid after the first call.
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
        self._options = {"db_name": database} | ({"server_pem_path": ca_file} if ca_file else {})
        self._token = token
        self._timeout_seconds = timeout_seconds
        self._client: MilvusClient | None = None
        self._lock = threading.Lock()
        self.embedded = False

    def call(self, ask: Ask[Answer], *, on_missing: Ask[None] | None = None) -> Answer:
        """Returns the result of `ask(client, timeout)`.

        If the server reports that the collection is missing or not loaded (for example, after a
        restart), calls `on_missing` and retries once. Raises `VectorStoreUnavailable` if the server
        is unreachable, `VectorStoreRefused` if it denies access, `InvalidRequest` for text that is
        not valid Unicode, and `InternalError` if it rejects the request.
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
            raise self._translate(error) from error

    def close(self) -> None:
        """Closes the client; the next call opens a new one."""
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
                    **self._options,
                    # Default: a keepalive ping every 10 s, for which Milvus Lite drops the client.
                    grpc_options={"grpc.keepalive_time_ms": 300_000},
                )
                version = client.get_server_version(timeout=self._timeout_seconds)
                self.embedded = "lite" in str(version)
                self._client = client
            return self._client

    def _translate(self, error: Exception) -> VectorStoreUnavailable | InternalError:
        # pymilvus reports every connection failure as "illegal connection params or server
        # unavailable"; the gRPC error in the exception chain holds the actual cause.
        cause = _grpc_error(error) or error
        refused = _is_refused(cause)
        if refused or _is_unavailable(error):
            self.close()
            OUTAGES.note(cause)
            return VectorStoreRefused() if refused else VectorStoreUnavailable()
        return InternalError(f"The vector store refused a request: {error}"[:500])


def _grpc_error(error: BaseException) -> grpc.RpcError | None:
    """Returns the first gRPC error in the exception chain, None if there is none.

    The chain can be cyclic, because pymilvus re-raises a stored exception.
    """
    seen = set[int]()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        if isinstance(current, grpc.RpcError) and hasattr(current, "code"):
            return current
        seen.add(id(current))
        current = current.__cause__ or current.__context__
    return None


def _is_refused(error: BaseException) -> bool:
    """True if the server denies access or the configuration is wrong.

    Covers an unknown database, a wrong or missing token, and an unreadable CA file.
    """
    if isinstance(error, MilvusException) and "auth check failure" in error.message:
        return True
    return bool(_codes(error) & _REFUSED) or isinstance(error, FileNotFoundError | PermissionError)


def _is_unavailable(error: Exception) -> bool:
    if _codes(error) & _UNAVAILABLE or isinstance(error, OSError):
        return True
    return any(words in str(error).lower() for words in _UNAVAILABLE_MESSAGES)


def _codes(error: BaseException) -> set[object]:
    if isinstance(error, MilvusException):
        return {error.code, error.compatible_code}
    return {error.code()} if isinstance(error, grpc.RpcError) else set()  # pyright: ignore[reportAttributeAccessIssue]


def create_if_missing(make: Callable[[], object], done: Callable[[], bool]) -> None:
    """Calls `make()` unless `done()` already holds.

    If `make()` fails, polls `done()` for two seconds in case another process won the race;
    otherwise re-raises.
    """
    if done():
        return
    try:
        make()
    except MilvusException:
        for _ in range(20):
            if done():
                return
            time.sleep(0.1)
        raise
