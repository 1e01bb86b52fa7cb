"""Pictures in a terminal: kitty's protocol or sixel where it has them, half blocks elsewhere."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console


def drawable(console: Console) -> bool:
    """Whether pictures would be seen: a terminal at both outputs, with colours."""
    return console.is_terminal and sys.stdout.isatty() and not console.no_color


def drawn(picture: Any, *, columns: int | None = None, blocks: bool = False) -> Any:
    """A renderable of a picture, which is a file's bytes or a Pillow image.

    Args:
        picture: what to draw.
        columns: its width; none: half of the terminal's height.
        blocks: whether it is drawn over line by line, which sixel pictures do not bear.
    """
    from textual_image import renderable  # noqa: PLC0415  # asks the terminal what it can do

    kind: Any = renderable.Image
    if kind is renderable.UnicodeImage or (blocks and kind is renderable.SixelImage):
        kind = renderable.HalfcellImage
    source = io.BytesIO(picture) if isinstance(picture, bytes) else picture
    size = {"height": "50%", "width": "auto"} if columns is None else {"width": columns}
    return kind(source, **size)
