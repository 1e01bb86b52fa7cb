"""Loss curves of the logs in `runs/` as one small picture, drawn with Pillow alone.

`python -m postcard.plot` writes `loss.png` beside the training log.
"""

from __future__ import annotations

import re
from pathlib import Path

from PIL import Image, ImageDraw

from .export import RUNS

_LINE = re.compile(r"^\d+ ([\d.]+)m loss ([\d.]+)", re.MULTILINE)
_WIDE, _HIGH, _LEFT, _TOP = 420, 240, 40, 24


def curve(log: Path) -> list[tuple[float, float]]:
    """(minutes, loss) of every reported line."""
    return [(float(m), float(loss)) for m, loss in _LINE.findall(log.read_text())]


def panel(title: str, points: list[tuple[float, float]]) -> Image.Image:
    """One curve with the ends of its axes written down."""
    picture = Image.new("RGB", (_WIDE, _HIGH), "white")
    draw = ImageDraw.Draw(picture)
    last, top = points[-1][0], max(loss for _, loss in points)
    wide, high = _WIDE - _LEFT - 10, _HIGH - _TOP - 24
    places = [(_LEFT + wide * m / last, _TOP + high * (1 - loss / top)) for m, loss in points]
    draw.rectangle((_LEFT, _TOP, _LEFT + wide, _TOP + high), outline="#bbbbbb")
    draw.line(places, fill="#c0392b", width=2)
    draw.text((_LEFT, 6), title, fill="black")
    draw.text((4, _TOP), f"{top:.2f}", fill="black")
    draw.text((4, _TOP + high - 10), "0", fill="black")
    draw.text((_WIDE - 60, _HIGH - 18), f"{last:.0f} min", fill="black")
    return picture


def main() -> None:
    """Draw every stage that has a log."""
    found = {name: curve(RUNS / f"{name}.log") for name in ("base", "autoencoder")}
    panels = [panel(name, points) for name, points in found.items() if points]
    sheet = Image.new("RGB", (_WIDE * len(panels), _HIGH))
    for index, picture in enumerate(panels):
        sheet.paste(picture, (index * _WIDE, 0))
    sheet.quantize(32).save(Path(__file__).with_name("loss.png"), optimize=True)


if __name__ == "__main__":
    main()
