"""A pool of PostgreSQL connections; whatever means "the server is away" becomes DatabaseUnavailable."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import ColumnElement, func
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from domain.errors import DatabaseUnavailable

NOW = (
    func.clock_timestamp()
)  # the database's clock, at the statement rather than at the transaction
AWAY = (OSError, InterfaceError, OperationalError, PoolTimeout, TimeoutError)


def async_url(url: str) -> str:
    """The URL with the asyncpg driver; `postgres://` and `postgresql://` are the same."""
    parsed = make_url(url.replace("postgres://", "postgresql://", 1))
    return parsed.set(drivername="postgresql+asyncpg").render_as_string(hide_password=False)


def seconds(count: float) -> ColumnElement[Any]:
    """An interval of that many seconds."""
    return func.make_interval(0, 0, 0, 0, 0, 0, count)


class Database:
    """Transactions on PostgreSQL. Connections are made lazily, checked before use, and closed by `close`."""

    def __init__(self, url: str, pool_size: int = 8) -> None:
        self.engine: AsyncEngine = create_async_engine(
            async_url(url),
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_timeout=10,
            pool_pre_ping=True,
            connect_args={"timeout": 5, "command_timeout": 30},
        )

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """A transaction, committed at the end of the block. Raises DatabaseUnavailable."""
        try:
            async with self.engine.begin() as connection:
                yield connection
        except AWAY as error:
            raise DatabaseUnavailable from error
        except DBAPIError as error:
            if error.connection_invalidated:
                raise DatabaseUnavailable from error
            raise

    async def ping(self) -> None:
        """Returns when the database answers. Raises DatabaseUnavailable."""
        async with self.begin() as connection:
            await connection.exec_driver_sql("SELECT 1")

    async def close(self) -> None:
        """Closes every connection."""
        await self.engine.dispose()
