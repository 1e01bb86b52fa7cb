"""`friendli mcp`: the image API as tools of the Model Context Protocol, over standard input.

A picture comes back as an image a model can see, and as the path of the file it was written to.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from friendli.cli import options
from friendli.cli.trouble import told


def mcp(
    *,
    server: options.Server = None,
    token: options.Token = None,
    folder: Annotated[
        Path | None, typer.Option(help="Where pictures are written; else a temporary folder.")
    ] = None,
) -> None:
    """Offer generate_image and edit_image to programs that speak MCP, over standard input."""
    with told("mcp"):
        try:
            from friendli.cli import tools  # noqa: PLC0415  # loads mcp and HTTP
        except ImportError as missing:
            from friendli.cli.trouble import Trouble  # noqa: PLC0415

            then = "pip install 'friendli-image[mcp]'"
            raise Trouble("the package mcp is needed.", why=str(missing), then=then) from missing
        tools.serve(server, token, folder or Path(tempfile.mkdtemp(prefix="friendli-mcp-")))
