"""The `friendli` command. Its verbs come from the entry-point group `friendli.commands`.

Each entry point is a function or a `typer.Typer`, under the name of the verb, and is imported only
when that verb is used or asked for help. This module knows no verb but `version`.
"""

from __future__ import annotations

import sys
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from friendli._version import VERSION

try:
    import typer
    import typer.core
    import typer.main
except ImportError:  # the SDK alone does not need it
    typer = None  # type: ignore[assignment]

GROUP = "friendli.commands"


def main() -> None:
    """Run the command line; exits with its status."""
    if typer is None:
        sys.exit("The friendli command needs typer: pip install 'friendli-image[cli]'")
    app = typer.Typer(name="friendli", cls=_verbs(), no_args_is_help=True)
    app.callback()(described)
    app.command()(version)
    app(prog_name="friendli")


def described() -> None:
    """Make pictures, here or on a server."""


def version() -> None:
    """Print the version."""
    typer.echo(VERSION)


def _verbs() -> type[typer.core.TyperGroup]:
    class Verbs(typer.core.TyperGroup):
        """The verbs of all installed packages, each imported when it is needed."""

        @cached_property
        def found(self) -> dict[str, EntryPoint]:
            return {point.name: point for point in entry_points(group=GROUP)}

        def list_commands(self, ctx: Any) -> list[str]:
            return sorted({*super().list_commands(ctx), *self.found})

        def get_command(self, ctx: Any, cmd_name: str) -> Any:
            if cmd_name in self.found:
                return _command(_loaded(self.found[cmd_name]), cmd_name)
            return super().get_command(ctx, cmd_name)

    return Verbs


def _loaded(point: EntryPoint) -> Any:
    try:
        return point.load()
    except Exception as failure:  # one broken package must not take the others down
        message = f"Cannot be loaded: {failure}"

        def broken() -> None:
            sys.exit(message)

        broken.__doc__ = message
        return broken


def _command(verb: Any, name: str) -> Any:
    app = verb
    if not isinstance(verb, typer.Typer):
        app = typer.Typer(add_completion=False)
        app.command()(verb)
    command = typer.main.get_command(app)
    command.name = name
    return command
