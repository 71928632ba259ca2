"""A pool of PostgreSQL connections; a server that is away becomes DatabaseUnavailable."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import asyncpg
from sqlalchemy import ColumnElement, event, func
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from domain.errors import DatabaseUnavailable

# The database's clock. clock_timestamp() is volatile: a condition on it cannot use an index.
NOW = func.statement_timestamp()

# SQLSTATE classes (PostgreSQL manual, appendix A): connection, transaction rolled back (deadlock),
# insufficient resources (disk full), operator intervention (shutting down, starting up), and
# 25006, a database that only reads.
AWAY_STATES = ("08", "40", "53", "57", "25006")


def async_url(url: str) -> str:
    """The URL with the asyncpg driver; `postgres://` and `postgresql://` are the same."""
    parsed = make_url(url.replace("postgres://", "postgresql://", 1))
    return parsed.set(drivername="postgresql+asyncpg").render_as_string(hide_password=False)


def seconds(count: float | ColumnElement[float]) -> ColumnElement[Any]:
    """An interval of that many seconds."""
    return func.make_interval(0, 0, 0, 0, 0, 0, count)


class Database:
    """Connections to PostgreSQL, made lazily and closed by `close`.

    A connection that the server has closed is replaced when it is taken from the pool; asyncpg
    knows without asking, which spares the three round trips of SQLAlchemy's `pool_pre_ping`.
    """

    def __init__(self, url: str, pool_size: int = 8) -> None:
        self.engine: AsyncEngine = create_async_engine(
            async_url(url),
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_timeout=10,
            connect_args={"timeout": 5, "command_timeout": 30},
        )
        self.autocommit = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        event.listen(self.engine.sync_engine, "checkout", _refuse_closed)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """A transaction, committed at the end of the block. Raises DatabaseUnavailable."""
        with _named():
            async with self.engine.begin() as connection:
                yield connection

    @asynccontextmanager
    async def single(self) -> AsyncIterator[AsyncConnection]:
        """Each statement by itself, which spares BEGIN and COMMIT. Raises DatabaseUnavailable."""
        with _named():
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

    async def ping(self) -> None:
        """Returns when the database answers. Raises DatabaseUnavailable."""
        async with self.single() as connection:
            await connection.exec_driver_sql("SELECT 1")

    async def close(self) -> None:
        """Closes every connection."""
        await self.engine.dispose()


def _refuse_closed(connection: Any, _record: Any, _proxy: Any) -> None:
    if connection.driver_connection.is_closed():
        raise DisconnectionError("the server closed this connection")


@contextmanager
def _named() -> Iterator[None]:
    try:
        yield
    except (OSError, PoolTimeout, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        raise DatabaseUnavailable from error
    except asyncpg.PostgresError as error:
        if _is_away(error):
            raise DatabaseUnavailable from error
        raise
    except DBAPIError as error:
        if error.connection_invalidated or _is_away(error.orig):
            raise DatabaseUnavailable from error
        raise


def _is_away(error: BaseException | None) -> bool:
    return (getattr(error, "sqlstate", None) or "").startswith(AWAY_STATES)
