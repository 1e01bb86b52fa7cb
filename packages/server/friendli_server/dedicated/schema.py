"""The whole schema: every domain's tables on one `Base`, and how to bring a database up to it.

Migrations run when asked for and never by themselves: `friendli dedicated migrate`, or
`serve --migrate`.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from friendli_server.dedicated.accounts import models as accounts
from friendli_server.dedicated.database import Base, Database
from friendli_server.dedicated.endpoints import models as endpoints
from friendli_server.dedicated.nodes import models as nodes
from friendli_server.dedicated.results import models as results
from friendli_server.dedicated.usage import models as usage

TABLES = (accounts, endpoints, nodes, results, usage)


async def migrate(database: Database) -> None:
    """Bring the database to the newest version; one that is there already stays untouched."""
    async with database.connection() as connection:
        await connection.run_sync(_upgrade)


async def is_current(database: Database) -> bool:
    """Whether the database has the version this code is written for."""
    async with database.connection() as connection:
        return await connection.run_sync(_is_head)


def config(connection: Connection | None = None) -> Config:
    """Alembic's configuration, all of it."""
    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    made.attributes["connection"] = connection
    return made


def _upgrade(connection: Connection) -> None:
    command.upgrade(config(connection), "head")


def _is_head(connection: Connection) -> bool:
    here = MigrationContext.configure(connection).get_current_revision()
    return here == ScriptDirectory.from_config(config()).get_current_head()


__all__ = ["TABLES", "Base", "config", "is_current", "migrate"]
