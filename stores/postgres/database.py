"""A pool of PostgreSQL connections; connection errors are raised as DatabaseUnavailable."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import Any

import asyncpg
from sqlalchemy import ColumnElement, event, func
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from domain.collection_names import name_of
from domain.errors import (
    CollectionRenamed,
    DatabaseBusy,
    DatabaseUnavailable,
    PaperworksError,
    QuotaExceeded,
)
from stores.postgres.postgres_session import (
    LOCK_NOT_AVAILABLE,
    OUTAGES,
    SessionLimits,
    is_unavailable,
    open_session,
)
from stores.postgres.postgres_url import PostgresAddress, parse_postgres_url

# The database clock. clock_timestamp() is volatile: a condition on it cannot use an index.
NOW = func.statement_timestamp()
QUOTA_EXCEEDED = "PW001"
"""SQLSTATE of the trigger that checks quotas; its message is a JSON object."""
NAME_TAKEN = "PW002"
"""SQLSTATE of the trigger that refuses documents of a collection whose name another one has."""


def seconds(count: float | ColumnElement[float]) -> ColumnElement[Any]:
    """Returns an SQL interval of `count` seconds."""
    return func.make_interval(0, 0, 0, 0, 0, 0, count)


class Database:
    """Connections to PostgreSQL, opened on demand and closed by `close`.

    Keeps `pool_size` of them open; `overflow` more, as many by default, are closed after use.

    A connection that the server has closed is replaced at checkout. asyncpg knows its state
    locally, which avoids the three round trips of SQLAlchemy's `pool_pre_ping`. Raises
    InvalidSetting for an invalid URL.
    """

    def __init__(
        self,
        url: str,
        pool_size: int = 8,
        limits: SessionLimits | None = None,
        overflow: int | None = None,
    ) -> None:
        self.address = parse_postgres_url(url)
        self.limits = limits or SessionLimits()
        self.pool_size = pool_size
        self.engine = _engine(
            self.address,
            self.limits,
            pool_size=pool_size,
            max_overflow=pool_size if overflow is None else overflow,
            pool_timeout=10,
            pool_use_lifo=True,  # the server process of the last call has the data at hand
        )
        self.autocommit = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        event.listen(self.engine.sync_engine, "checkout", _reject_closed)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """Opens a transaction, committed at the end of the block. Raises DatabaseUnavailable."""
        with database_errors():
            async with self.engine.begin() as connection:
                yield connection

    @asynccontextmanager
    async def single(self) -> AsyncIterator[AsyncConnection]:
        """Yields an autocommit connection (no BEGIN and COMMIT). Raises DatabaseUnavailable."""
        with database_errors():
            async with self.autocommit.connect() as connection:
                yield connection

    @asynccontextmanager
    async def driver(self) -> AsyncIterator[asyncpg.Connection]:
        """Yields the raw asyncpg connection, in autocommit mode. Raises DatabaseUnavailable.

        A prepared statement takes one round trip and 0.1 ms; building it with SQLAlchemy takes
        0.6 ms.
        """
        async with self.single() as connection:  # translates connection errors
            pooled = await connection.get_raw_connection()
            driver: Any = pooled.driver_connection
            try:
                yield driver
            except asyncpg.InternalClientError:  # the server died during the response
                await connection.invalidate()
                raise

    @asynccontextmanager
    async def dedicated(self, limits: SessionLimits) -> AsyncIterator[AsyncConnection]:
        """Opens a connection outside the pool with its own limits; closed at the end of the block.

        Raises DatabaseUnavailable.
        """
        engine = _engine(self.address, limits, poolclass=NullPool)
        try:
            with database_errors():
                async with engine.connect() as connection:
                    yield connection
        finally:
            await engine.dispose()

    async def ping(self) -> None:
        """Returns if the database responds. Raises DatabaseUnavailable."""
        async with self.single() as connection:
            await connection.exec_driver_sql("SELECT 1")

    async def close(self) -> None:
        """Closes every connection."""
        await self.engine.dispose()


def _engine(address: PostgresAddress, limits: SessionLimits, **pool: Any) -> AsyncEngine:
    """Returns an engine whose connections are opened by `open_session`, which parses the URL."""
    # With PgBouncer, another server process may run the next statement. Therefore SQLAlchemy caches
    # no prepared statements; asyncpg parses and runs the unnamed one in a single message group.
    unnamed = {"prepared_statement_cache_size": 0, "prepared_statement_name_func": str}
    return create_async_engine(
        "postgresql+asyncpg://",
        connect_args={
            "async_creator_fn": partial(_open, address, limits),
            **(unnamed if address.pgbouncer else {}),
        },
        **pool,
    )


async def _open(address: PostgresAddress, limits: SessionLimits, **_: Any) -> asyncpg.Connection:
    return await open_session(address, limits)


def _reject_closed(connection: Any, _record: Any, _proxy: Any) -> None:
    if connection.driver_connection.is_closed():
        raise DisconnectionError("the server closed this connection")


@contextmanager
def database_errors() -> Iterator[None]:
    """Maps connection and server errors to DatabaseUnavailable and logs the cause.

    A lock timeout becomes DatabaseBusy.
    """
    try:
        yield
    except (OSError, PoolTimeout, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        raise _unavailable(error) from error
    except asyncpg.PostgresError as error:
        if (translated := _translate(error)) is None:
            raise
        raise translated from error
    except DBAPIError as error:
        is_lost = error.connection_invalidated
        translated = _unavailable(error.orig) if is_lost else _translate(error.orig)
        if translated is None:
            raise
        raise translated from error


def _translate(error: BaseException | None) -> PaperworksError | None:
    state = getattr(error, "sqlstate", None)
    if state == LOCK_NOT_AVAILABLE:
        return DatabaseBusy()
    if state == QUOTA_EXCEEDED:
        return _quota_exceeded(error)
    if state == NAME_TAKEN:
        return CollectionRenamed()
    return _unavailable(error) if is_unavailable(error) else None


def _quota_exceeded(error: BaseException | None) -> QuotaExceeded:
    message = str(error)
    quota = message[message.find("{") : message.rfind("}") + 1]
    if not quota:
        return QuotaExceeded()
    found = json.loads(quota)
    return QuotaExceeded.of(**{**found, "collection": name_of(found["collection"])})


def _unavailable(cause: BaseException | None) -> DatabaseUnavailable:
    if cause is not None:
        OUTAGES.note(cause)
    return DatabaseUnavailable()
