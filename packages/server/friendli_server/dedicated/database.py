"""The database: one engine, one kind of transaction, SQLite and PostgreSQL alike.

Knows no table: each domain keeps its own in `<domain>/models.py`, all on the `Base` below.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from datetime import UTC, datetime
from typing import Any, Final, Self

from sqlalchemy import DateTime, Dialect, MetaData, TypeDecorator, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import (
    AsyncConnection,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import DeclarativeBase

from friendli_server.dedicated.sqlite import connecting

_SQLITE = ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=5000", "foreign_keys=ON")
_DOWN = (OperationalError, InterfaceError, ConnectionError, OSError, TimeoutError, PoolTimeoutError)
CONNECT_SECONDS: Final = 5.0
STATEMENT_SECONDS: Final = 5.0
"""A database that takes longer is as good as gone: no statement of ours needs a second."""
_CONNECTIONS: Final = 15
"""For each gateway, and as many again at peaks: three gateways fit into PostgreSQL's default."""
_PATIENCE: Final = {"timeout": CONNECT_SECONDS, "command_timeout": STATEMENT_SECONDS}


class DatabaseDownError(Exception):
    """The database is out of reach, restarting, or locked for too long; later may do."""


_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class UTCDateTime(TypeDecorator[datetime]):
    """An aware moment in UTC; SQLite, which drops zones, gets it back on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Refuse a naive moment: it would mean another instant on another machine."""
        if value is not None and value.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Put the zone back."""
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


class Base(DeclarativeBase):
    """Every table of the gateway."""

    metadata = MetaData(naming_convention=_NAMES)
    type_annotation_map = {datetime: UTCDateTime}  # noqa: RUF012 - SQLAlchemy's own form


def now() -> datetime:
    """The moment, aware, in UTC."""
    return datetime.now(UTC)


class Database:
    """An engine and its transactions; `async with` closes it."""

    def __init__(self, url: str) -> None:
        """Open nothing yet: the first transaction connects.

        Args:
            url: an SQLAlchemy URL with an asynchronous driver, `sqlite+aiosqlite:///file` or
                `postgresql+asyncpg://user@host/name`.
        """
        self.url = make_url(url)
        # SQLite has one writer at a time and lets the others poll for their turn; here they queue.
        self._turn = asyncio.Lock() if self._is_sqlite else nullcontext()
        self.engine = create_async_engine(
            self.url,
            async_creator=connecting(self.url.database or "") if self._is_sqlite else None,
            connect_args={} if self._is_sqlite else _PATIENCE,
            pool_pre_ping=not self._is_sqlite,
            pool_size=_CONNECTIONS,
            max_overflow=_CONNECTIONS,
            pool_timeout=CONNECT_SECONDS,
        )
        if self._is_sqlite:
            event.listen(self.engine.sync_engine, "connect", _prepare_sqlite)
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)

    @property
    def _is_sqlite(self) -> bool:
        return self.url.get_backend_name() == "sqlite"

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A session that commits on leaving and rolls back on an exception.

        Raises:
            DatabaseDownError: nothing was committed, as far as anyone can know.
        """
        with _told_when_down():
            async with self._turn, self._sessions() as session, session.begin():
                yield session

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection]:
        """A bare connection in a transaction, for what works on tables as such.

        Raises:
            DatabaseDownError: nothing was committed, as far as anyone can know.
        """
        with _told_when_down():
            async with self.engine.begin() as connection:
                yield connection

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_failure: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Give every connection back."""
        await self.engine.dispose()


@contextmanager
def _told_when_down() -> Iterator[None]:
    try:
        yield
    except _DOWN as error:
        raise DatabaseDownError from error
    except DBAPIError as error:
        if _is_down(error):
            raise DatabaseDownError from error
        raise


def _is_down(error: DBAPIError) -> bool:
    """Whether PostgreSQL is going, gone or not yet there, by its state codes (appendix A)."""
    state = str(getattr(error.orig, "sqlstate", None) or "")
    return error.connection_invalidated or state.startswith(("08", "53", "57P"))


def _prepare_sqlite(connection: Any, _record: object) -> None:
    """Readers beside one writer, five seconds of patience, foreign keys that hold."""
    cursor = connection.cursor()
    for pragma in _SQLITE:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
