"""A pool of PostgreSQL connections; a server that is away becomes DatabaseUnavailable."""

from __future__ import annotations

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

from domain.errors import DatabaseBusy, DatabaseUnavailable
from stores.postgres.postgres_session import (
    LOCK_NOT_AVAILABLE,
    OUTAGES,
    SessionLimits,
    is_away,
    open_session,
)
from stores.postgres.postgres_url import PostgresAddress, parse_postgres_url

# The database's clock. clock_timestamp() is volatile: a condition on it cannot use an index.
NOW = func.statement_timestamp()


def seconds(count: float | ColumnElement[float]) -> ColumnElement[Any]:
    """An interval of that many seconds."""
    return func.make_interval(0, 0, 0, 0, 0, 0, count)


class Database:
    """Connections to PostgreSQL, made lazily and closed by `close`.

    A connection that the server has closed is replaced when it is taken from the pool; asyncpg
    knows without asking, which spares the three round trips of SQLAlchemy's `pool_pre_ping`.
    Raises InvalidSetting for a URL that cannot be used.
    """

    def __init__(self, url: str, pool_size: int = 8, limits: SessionLimits | None = None) -> None:
        self.address = parse_postgres_url(url)
        self.limits = limits or SessionLimits()
        pool = {"pool_size": pool_size, "max_overflow": pool_size, "pool_timeout": 10}
        self.engine = _engine(self.address, self.limits, **pool)
        self.autocommit = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        event.listen(self.engine.sync_engine, "checkout", _refuse_closed)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """A transaction, committed at the end of the block. Raises DatabaseUnavailable."""
        with database_errors():
            async with self.engine.begin() as connection:
                yield connection

    @asynccontextmanager
    async def single(self) -> AsyncIterator[AsyncConnection]:
        """Each statement by itself, which spares BEGIN and COMMIT. Raises DatabaseUnavailable."""
        with database_errors():
            async with self.autocommit.connect() as connection:
                yield connection

    @asynccontextmanager
    async def driver(self) -> AsyncIterator[asyncpg.Connection]:
        """asyncpg's own connection: one round trip and 0.1 ms for a prepared statement, where
        SQLAlchemy takes 0.6 ms to build it. Raises DatabaseUnavailable."""
        async with self.single() as connection:  # which gives errors of connecting their names
            pooled = await connection.get_raw_connection()
            driver: Any = pooled.driver_connection
            try:
                yield driver
            except asyncpg.InternalClientError:  # the server died while it answered
                await connection.invalidate()
                raise

    @asynccontextmanager
    async def dedicated(self, limits: SessionLimits) -> AsyncIterator[AsyncConnection]:
        """A connection outside the pool, with limits of its own, closed at the end of the block.

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
        """Returns when the database answers. Raises DatabaseUnavailable."""
        async with self.single() as connection:
            await connection.exec_driver_sql("SELECT 1")

    async def close(self) -> None:
        """Closes every connection."""
        await self.engine.dispose()


def _engine(address: PostgresAddress, limits: SessionLimits, **pool: Any) -> AsyncEngine:
    """An engine whose connections are opened by `open_session`, which reads the URL itself."""
    # Under PgBouncer the next statement may be run by another server process: SQLAlchemy keeps no
    # prepared statements, and the unnamed one is parsed and run in one message group by asyncpg.
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


def _refuse_closed(connection: Any, _record: Any, _proxy: Any) -> None:
    if connection.driver_connection.is_closed():
        raise DisconnectionError("the server closed this connection")


@contextmanager
def database_errors() -> Iterator[None]:
    """Errors of the server and of the connection become DatabaseUnavailable, their cause logged;
    a lock that was not to be had becomes DatabaseBusy."""
    try:
        yield
    except (OSError, PoolTimeout, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        raise _unavailable(error) from error
    except asyncpg.PostgresError as error:
        if (named := _named(error)) is None:
            raise
        raise named from error
    except DBAPIError as error:
        named = _unavailable(error.orig) if error.connection_invalidated else _named(error.orig)
        if named is None:
            raise
        raise named from error


def _named(error: BaseException | None) -> DatabaseUnavailable | None:
    if getattr(error, "sqlstate", None) == LOCK_NOT_AVAILABLE:
        return DatabaseBusy()
    return _unavailable(error) if is_away(error) else None


def _unavailable(cause: BaseException | None) -> DatabaseUnavailable:
    if cause is not None:
        OUTAGES.note(cause)
    return DatabaseUnavailable()
