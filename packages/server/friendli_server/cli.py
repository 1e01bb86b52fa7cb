"""The commands that this package adds to `friendli`, and `friendli-server` by itself.

Imports neither torch nor the server until a command runs.
"""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(help="Serve pictures.", no_args_is_help=True, add_completion=False)


@app.callback()
def friendli_server() -> None:
    """Serve pictures."""


@app.command()
def serve(
    model: Annotated[str, typer.Argument(help="Model directory or hub id.")] = "postcard",
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 8000,
) -> None:
    """Run a container: one model behind the image API."""
    from .container.serve import run  # noqa: PLC0415  # the help page must not load a server
    from .settings import ContainerSettings  # noqa: PLC0415

    raise typer.Exit(run(ContainerSettings(model=model, host=host, port=port)))


def main() -> None:
    """Entry point of `friendli-server`."""
    app()
