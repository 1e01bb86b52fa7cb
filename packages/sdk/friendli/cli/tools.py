"""The tools of `friendli mcp`. Knows no transport and no terminal.

The place where pictures are made is found at the first call, so that a client sees the tools at
once even where the embedded model has to load first.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from mcp.server.mcpserver import Context, Image, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field, ValidationError

from friendli.cli import outputs, place
from friendli.cli.asking import make
from friendli.cli.run import pictures
from friendli.cli.trouble import Trouble, translated
from friendli.cli.wish import Wish
from friendli.errors import FriendliCoreError, NoResponseError

_Prompt = Annotated[str, Field(description="What the picture should show.")]
_Steps = Annotated[
    int | None, Field(ge=1, le=50, description="Denoising steps; more is finer and slower.")
]
_Guidance = Annotated[
    float | None, Field(ge=0, le=100, description="How closely to follow the prompt.")
]
_Seed = Annotated[int | None, Field(description="The same seed gives the same picture.")]
_Model = Annotated[str | None, Field(description="Route of an adapter; none: the base model.")]


@dataclass
class _Studio:
    """Where pictures are made, once it is known, and where they are written."""

    server: str | None
    token: str | None
    folder: Path
    leave: ExitStack = field(default_factory=ExitStack)
    _found: place.Place | None = None
    _finding: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def picture(self, wish: Wish, context: Context[Any, Any]) -> list[Any]:
        """Make a picture: an image, and a line that tells its file and seed."""
        try:
            [made] = await make(await self._place(), [wish], watch=_Report(context))
        except (Trouble, FriendliCoreError, NoResponseError, ValidationError) as failure:
            trouble = translated(failure)
            text = " ".join(filter(None, (trouble.what, trouble.why, trouble.then)))
            raise ToolError(text) from failure
        [path] = outputs.paths(str(self.folder), [made.wish], [made.wish.seed or 0])
        await asyncio.to_thread(outputs.save, made, path)
        return [Image(data=made.content, format="jpeg"), f"{path} (seed {made.wish.seed})"]

    async def _place(self) -> place.Place:
        async with self._finding:
            if self._found is None:
                found = place.found(self.server, self.token, say=_say)
                self._found = await asyncio.to_thread(self.leave.enter_context, found)
            return self._found


class _Report:
    """A `Watch` that tells an MCP client of each step."""

    def __init__(self, context: Context[Any, Any]) -> None:
        self._context = context
        self._telling: set[asyncio.Task[None]] = set()

    def queued(self, index: int, position: int, eta: float | None) -> None:
        """Nothing: the protocol has no word for it."""

    def progress(self, index: int, step: int, steps: int, eta: float | None) -> None:
        """Report a step."""
        del index, eta  # one picture a call; the protocol has no word for time
        task = asyncio.create_task(self._context.report_progress(step, steps))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    def preview(self, index: int, jpeg: bytes) -> None:
        """Nothing: the protocol has no word for it."""

    def done(self, index: int) -> None:
        """Nothing: the answer says it."""


def _say(text: str) -> None:
    print(text, file=sys.stderr)  # noqa: T201  # standard output is the protocol's


def serve(server: str | None, token: str | None, folder: Path) -> None:
    """Answer on standard input and output until the client leaves."""
    folder.mkdir(parents=True, exist_ok=True)
    studio = _Studio(server, token, folder)
    with studio.leave:
        tools(studio).run()


def tools(studio: _Studio) -> MCPServer[Any]:
    """The server with its tools."""
    offered: MCPServer[Any] = MCPServer(
        "friendli", instructions="Makes and edits pictures.", log_level="WARNING"
    )

    @offered.tool(structured_output=False)
    async def generate_image(
        prompt: _Prompt,
        context: Context[Any, Any],
        *,
        steps: _Steps = None,
        guidance: _Guidance = None,
        seed: _Seed = None,
        model: _Model = None,
    ) -> list[Any]:
        """Make a picture from a text."""
        wish = Wish(prompt=prompt, steps=steps, guidance=guidance, seed=seed, model=model)
        return await studio.picture(wish, context)

    @offered.tool(structured_output=False)
    async def edit_image(
        image: Annotated[str, Field(description="Path or URL of the picture to change.")],
        prompt: Annotated[str, Field(description="What to change.")],
        context: Context[Any, Any],
        *,
        mask: Annotated[
            str | None,
            Field(
                description="Path or URL of a picture as large: only where it is transparent, or"
                " white if it is opaque everywhere, is painted anew."
            ),
        ] = None,
        steps: _Steps = None,
        guidance: _Guidance = None,
        seed: _Seed = None,
        model: _Model = None,
    ) -> list[Any]:
        """Change a picture as a text says."""
        wish = Wish(
            prompt=prompt,
            image=pictures([image]),
            mask=pictures([mask] if mask else ()),
            steps=steps,
            guidance=guidance,
            seed=seed,
            model=model,
        )
        return await studio.picture(wish, context)

    return offered
