"""SQLite in one step for each statement. Knows no table and no transaction.

The driver keeps the connection in a thread of its own, and SQLAlchemy crosses over four times for
each statement: to make a cursor, execute, fetch and close. On a busy machine the crossings cost
more than all queries, so here one crossing does the four.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final

from aiosqlite import Connection

_CHUNK: Final = 64


class _Cursor:
    """A statement and all that came of it, as SQLAlchemy asks for it."""

    arraysize = 1

    def __init__(self, connection: _Connection) -> None:
        self._connection = connection
        self._rows: Sequence[Any] = ()
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None

    async def __aenter__(self) -> _Cursor:
        return self

    async def execute(self, statement: str, parameters: Any = ()) -> None:
        """Run a statement and fetch its rows."""
        await self._connection.run(self._execute, statement, parameters)

    async def executemany(self, statement: str, parameters: Any) -> None:
        """Run a statement once for each set of parameters."""
        await self._connection.run(self._executemany, statement, parameters)

    async def fetchall(self) -> Sequence[Any]:
        """The rows."""
        return self._rows

    async def close(self) -> None:
        """Nothing is open any more."""

    def _execute(self, connection: sqlite3.Connection, statement: str, parameters: Any) -> None:
        self._keep(connection.execute(statement, parameters))

    def _executemany(self, connection: sqlite3.Connection, statement: str, parameters: Any) -> None:
        self._keep(connection.executemany(statement, parameters))

    def _keep(self, cursor: sqlite3.Cursor) -> None:
        self._rows = cursor.fetchall() if cursor.description else ()
        self.description, self.lastrowid = cursor.description, cursor.lastrowid
        self.rowcount = cursor.rowcount
        cursor.close()


class _Connection(Connection):
    """The driver's connection, with our cursors."""

    def cursor(self) -> Any:
        """A cursor that crosses over once."""
        return _Cursor(self)

    async def run(self, work: Callable[..., None], *arguments: Any) -> None:
        """Run `work(connection, …)` in the connection's thread."""
        await self._execute(work, self._conn, *arguments)  # type: ignore[no-untyped-call]


def connecting(file: str) -> Callable[[], Awaitable[Connection]]:
    """Opens connections to a database file."""

    async def connect() -> Connection:
        connection = _Connection(lambda: sqlite3.connect(Path(file)), _CHUNK)
        connection._thread.daemon = True  # noqa: SLF001 - as SQLAlchemy does: a crash must not hang
        return await connection

    return connect
