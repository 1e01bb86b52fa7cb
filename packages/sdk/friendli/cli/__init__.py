"""The `friendli` command. Its verbs come from the entry-point group `friendli.commands`.

Each entry point is a function or a `typer.Typer`, under the name of the verb, and is imported only
when that verb is used. This module knows no verb but `version`, and for the overview of all verbs
it imports nothing but the standard library.
"""

from __future__ import annotations

import os
import sys
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any

from friendli._version import VERSION

if TYPE_CHECKING:
    import typer.core

GROUP = "friendli.commands"
_COMPLETION = "_FRIENDLI_COMPLETE"
"""A shell that asks what may come next sets it."""
VERSION_HELP = "Print the version."


def main() -> None:
    """Run the command line; exits with its status."""
    if sys.argv[1:] in ([], ["--help"], ["-h"]) and _COMPLETION not in os.environ:
        from friendli.cli import overview  # noqa: PLC0415  # the only page that needs it

        print(overview.page(_verbs(), version=VERSION_HELP))  # noqa: T201
        sys.exit(0)
    try:
        import typer  # noqa: PLC0415  # the SDK alone does not need it
    except ImportError:
        sys.exit("The friendli command needs typer: pip install 'friendli-image[cli]'")
    from friendli.cli.history.place import tell_servers  # noqa: PLC0415

    tell_servers()
    app = typer.Typer(name="friendli", cls=_group(), help="Make pictures, here or on a server.")
    app.callback(invoke_without_command=True)(_options)
    app.command(help=VERSION_HELP)(version)
    app(prog_name="friendli")


def _options() -> None:
    pass


def version() -> None:
    """Print the version."""
    print(VERSION)  # noqa: T201


def _verbs() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}


def _group() -> type[typer.core.TyperGroup]:
    import typer.core  # noqa: PLC0415

    class Verbs(typer.core.TyperGroup):
        """The verbs of all installed packages, each imported when it is needed."""

        @cached_property
        def found(self) -> dict[str, EntryPoint]:
            return _verbs()

        def list_commands(self, ctx: Any) -> list[str]:
            return sorted({*super().list_commands(ctx), *self.found})

        def get_command(self, ctx: Any, cmd_name: str) -> Any:
            if cmd_name in self.found:
                return command(_loaded(self.found[cmd_name]), cmd_name)
            return super().get_command(ctx, cmd_name)

        def resolve_command(self, ctx: Any, args: list[str]) -> Any:
            if args and args[0] not in self.list_commands(ctx):
                from friendli.cli import overview  # noqa: PLC0415

                ctx.fail(overview.unknown(args[0], self.list_commands(ctx)))
            return super().resolve_command(ctx, args)

        def shell_complete(self, ctx: Any, incomplete: str) -> Any:
            """Names only: their help would import every verb at every press of the key."""
            from typer._click.shell_completion import CompletionItem  # noqa: PLC0415

            names = [name for name in self.list_commands(ctx) if name.startswith(incomplete)]
            return [CompletionItem(name) for name in names]

    return Verbs


def _loaded(point: EntryPoint) -> Any:
    try:
        return point.load()
    except Exception as failure:  # one broken package must not take the others down
        message = f"friendli {point.name} cannot be loaded: {failure}"
        if isinstance(failure, ModuleNotFoundError):
            message += "\nIt may need an extra: pip install 'friendli-image[cli,mcp]'"

        def broken() -> None:
            sys.exit(message)

        return broken


def command(verb: Any, name: str) -> Any:
    """What an entry point gives, as a command of this name."""
    import typer.main  # noqa: PLC0415

    app = verb
    if not isinstance(verb, typer.Typer):
        app = typer.Typer(add_completion=False)
        app.command()(verb)
    made = typer.main.get_command(app)
    made.name = name
    return made
