"""The commands that this package adds to `friendli`, and `friendli-server` by itself.

Imports neither torch nor the server until a command runs.
"""

from __future__ import annotations

from pathlib import Path
from tomllib import TOMLDecodeError
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from friendli_server.options import flags_of
from friendli_server.settings import ContainerSettings, load

app = typer.Typer(help="Serve pictures.", no_args_is_help=True, add_completion=False)


@app.callback()
def friendli_server() -> None:
    """Serve pictures."""


@app.command()
@flags_of(ContainerSettings)
def serve(
    *,
    config: Annotated[
        Path | None, typer.Option(help="TOML file with any of these settings.", metavar="FILE")
    ] = None,
    **flags: Any,
) -> None:
    """Run a container: one model behind the image API.

    Every option is also an environment variable (--max-queue is FRIENDLI_MAX_QUEUE; several values
    separated by commas) and a key of the TOML file (max_queue). An option wins over the variable,
    the variable over the file.

    Examples:
    friendli serve
    friendli serve ./my-model --adapter ink=ink.safetensors --controlnet edges=./edges
    friendli serve --host 0.0.0.0 --max-queue 64 --config serve.toml
    """
    from friendli_server.container.serve import run  # noqa: PLC0415  # the help page must not load a server

    given = {name: value for name, value in flags.items() if value is not None}
    try:
        settings = load(given, config)
    except ValidationError as error:
        for at in error.errors():
            where = ".".join(map(str, at["loc"]))
            typer.echo(f"friendli serve: {where}: {at['msg']}", err=True)
        raise typer.Exit(2) from None
    except (OSError, TOMLDecodeError) as error:
        typer.echo(f"friendli serve: {config}: {error}", err=True)
        raise typer.Exit(2) from None
    raise typer.Exit(run(settings))


def main() -> None:
    """Entry point of `friendli-server`."""
    app()
