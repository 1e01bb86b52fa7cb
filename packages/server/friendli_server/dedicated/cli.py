"""`friendli dedicated …`: run the service and look after its accounts.

Account commands work on the database itself, so they need no running gateway and no token: whoever
can reach the database is the operator. Imports nothing heavy until a command runs.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, TypeVar

import typer
from pydantic import ValidationError

from friendli_server.dedicated.settings import DATABASE_URL, GatewaySettings
from friendli_server.options import flags_of

app = typer.Typer(
    help="The dedicated-endpoints service.", no_args_is_help=True, add_completion=False
)
team = typer.Typer(help="Teams and their people.", no_args_is_help=True)
token = typer.Typer(help="Tokens of users and of the operator.", no_args_is_help=True)
app.add_typer(team, name="team")
app.add_typer(token, name="token")

R = TypeVar("R")


def _database_url(given: str) -> str:
    if not re.match(DATABASE_URL, given):
        known = GatewaySettings.model_fields["database"].description
        raise typer.BadParameter(f"must be {known}")
    return given


_Database = Annotated[
    str,
    typer.Option(
        "--database",
        envvar="FRIENDLI_DEDICATED_DATABASE",
        help="Database URL.",
        callback=_database_url,
    ),
]
_DEFAULT = str(GatewaySettings.model_fields["database"].default)


def _done(command: Callable[[Any], Coroutine[Any, Any, R]]) -> R:
    """What a command of the module `operator` comes to; a refusal is a line and status 1."""
    from friendli_server.dedicated import operator  # noqa: PLC0415 - loads SQLAlchemy

    try:
        return asyncio.run(command(operator))
    except operator.RefusedError as refused:
        typer.echo(str(refused), err=True)
        raise typer.Exit(1) from None


@app.callback()
def dedicated() -> None:
    """The dedicated-endpoints service."""


@app.command()
@flags_of(GatewaySettings)
def serve(**flags: Any) -> None:
    """Run a gateway.

    Every option is also an environment variable: --port is FRIENDLI_DEDICATED_PORT.
    """
    from friendli_server.dedicated.serve import run  # noqa: PLC0415 - loads a server

    given = {name: value for name, value in flags.items() if value is not None}
    try:
        settings = GatewaySettings(**given)
    except ValidationError as error:
        for at in error.errors():
            where = ".".join(map(str, at["loc"]))
            typer.echo(f"friendli dedicated serve: {where}: {at['msg']}", err=True)
        raise typer.Exit(2) from None
    raise typer.Exit(run(settings))


@app.command()
def migrate(*, database: _Database = _DEFAULT) -> None:
    """Bring the database to the newest schema."""
    _done(lambda operator: operator.migrate(database))
    typer.echo("The database is up to date.")


@team.command("create")
def create_team(
    name: str,
    *,
    owner: Annotated[str, typer.Option(help="Name of the user who shall own it.")],
    database: _Database = _DEFAULT,
) -> None:
    """Make a team with an owner and print its id."""
    typer.echo(_done(lambda operator: operator.create_team(database, name, owner=owner)))


@team.command("list")
def list_teams(*, database: _Database = _DEFAULT) -> None:
    """List teams: id, name, members."""
    for line in _done(lambda operator: operator.teams(database)):
        typer.echo("\t".join(line))


@token.command("create")
def create_token(
    name: str,
    *,
    team: Annotated[str, typer.Option(help="Id or name of the team; none: an admin token.")] = "",
    user: Annotated[str, typer.Option(help="Name of a member of the team.")] = "",
    database: _Database = _DEFAULT,
) -> None:
    """Make a token and print it, this once. Without a team it is an admin token."""
    made = _done(lambda operator: operator.create_token(database, name, team=team, user=user))
    if made is None:
        typer.echo("There is no such team, or the user is not in it.", err=True)
        raise typer.Exit(1)
    typer.echo(made)


@token.command("list")
def list_tokens(
    *,
    team: Annotated[str, typer.Option(help="Id or name of the team; none: admin tokens.")] = "",
    database: _Database = _DEFAULT,
) -> None:
    """List tokens: id, hint, name, state. Secrets are nowhere to be had."""
    for line in _done(lambda operator: operator.tokens(database, team=team)):
        typer.echo("\t".join(line))


@token.command("revoke")
def revoke_token(token_id: str, *, database: _Database = _DEFAULT) -> None:
    """End a token for good, on every node within seconds."""
    if not _done(lambda operator: operator.revoke(database, token_id)):
        typer.echo("There is no such token.", err=True)
        raise typer.Exit(1)
