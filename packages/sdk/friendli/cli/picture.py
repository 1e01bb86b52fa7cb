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
    from PIL import Image  # noqa: PLC0415  # an extra's
    from textual_image import renderable  # noqa: PLC0415  # asks the terminal what it can do

    kind: Any = renderable.Image
    if kind is renderable.UnicodeImage or (blocks and kind is renderable.SixelImage):
        kind = renderable.HalfcellImage
    image = Image.open(io.BytesIO(picture)) if isinstance(picture, bytes) else picture
    if columns is None:
        return kind(image, width="auto", height="50%")
    lines = max(1, round(columns * image.height / image.width / 2))  # cells are twice as high
    return kind(image, width=columns, height=lines)
