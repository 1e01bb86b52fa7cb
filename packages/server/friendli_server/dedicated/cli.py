"""`friendli dedicated …`: run the service and look after its accounts.

Account commands work on the database itself, so they need no running gateway and no token: whoever
can reach the database is the operator. Imports nothing heavy until a command runs.
"""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(
    help="The dedicated-endpoints service.", no_args_is_help=True, add_completion=False
)

_SETTINGS_FLAGS = {
    "allow_extra_args": True,
    "ignore_unknown_options": True,
    "help_option_names": [],
}
_Database = Annotated[
    str, typer.Option("--database", envvar="FRIENDLI_DEDICATED_DATABASE", help="Database URL.")
]
_DEFAULT = "sqlite+aiosqlite:///friendli-dedicated.db"


@app.callback()
def dedicated() -> None:
    """The dedicated-endpoints service."""


@app.command(context_settings=_SETTINGS_FLAGS)
def serve(context: typer.Context) -> None:
    """Run a gateway; `serve --help` lists its settings."""
    from pydantic_settings import CliApp  # noqa: PLC0415

    from friendli_server.dedicated.serve import run  # noqa: PLC0415
    from friendli_server.dedicated.settings import GatewaySettings  # noqa: PLC0415

    settings = CliApp.run(GatewaySettings, cli_args=context.args)
    raise typer.Exit(run(settings))


@app.command()
def migrate(*, database: _Database = _DEFAULT) -> None:
    """Bring the database to the newest schema."""
    import asyncio  # noqa: PLC0415

    from friendli_server.dedicated import schema  # noqa: PLC0415
    from friendli_server.dedicated.database import Database  # noqa: PLC0415

    asyncio.run(schema.migrate(Database(database)))
    typer.echo("The database is up to date.")
