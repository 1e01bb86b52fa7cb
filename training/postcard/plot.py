"""Loss curves of training logs as one small picture, drawn with Pillow alone.

`python -m postcard.plot RUN…` draws every log in these folders into `loss.png` beside the training
log. It knows the lines that the stages print and nothing of the stages.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from PIL import Image, ImageDraw

from .export import RUNS

Curve = list[tuple[float, float]]
"""(minutes, loss), in order."""
_LINE = re.compile(r"^(?:[\w-]+ )?\d+ ([\d.]+)m (.*)$", re.MULTILINE)
_LOSS = re.compile(r"(loss|scenes|pairs|edits) ([\d.]+)")
_COLOURS = {"loss": "#c0392b", "scenes": "#c0392b", "pairs": "#c0392b", "edits": "#2471a3"}
_WIDE, _HIGH, _LEFT, _TOP, _ACROSS = 420, 240, 40, 24, 3


def curves(log: Path) -> dict[str, Curve]:
    """Each loss that the log's lines report, by its name; a clock that starts anew goes on."""
    found: dict[str, Curve] = {}
    before = last = 0.0
    for said, losses in _LINE.findall(log.read_text()):
        minutes = float(said)
        before, last = before + (last if minutes < last else 0.0), minutes
        for name, loss in _LOSS.findall(losses):
            found.setdefault(name, []).append((before + minutes, float(loss)))
    return found


def panel(title: str, shown: dict[str, Curve]) -> Image.Image:
    """The curves of one log with the ends of the axes written down."""
    picture = Image.new("RGB", (_WIDE, _HIGH), "white")
    draw = ImageDraw.Draw(picture)
    points = [point for curve in shown.values() for point in curve]
    first, last = points[0][0], max(minutes for minutes, _ in points)
    low, top = 0.9 * min(loss for _, loss in points), max(loss for _, loss in points)
    wide, high = _WIDE - _LEFT - 10, _HIGH - _TOP - 24
    draw.rectangle((_LEFT, _TOP, _LEFT + wide, _TOP + high), outline="#bbbbbb")
    for name, curve in shown.items():
        places = [
            (_LEFT + wide * (m - first) / (last - first), _TOP + high * (top - loss) / (top - low))
            for m, loss in curve
        ]
        draw.line(places, fill=_COLOURS[name], width=2)
        draw.text((places[-1][0] - 40, places[-1][1] - 14), name, fill=_COLOURS[name])
    draw.text((_LEFT, 6), title, fill="black")
    draw.text((4, _TOP), f"{top:.2f}", fill="black")
    draw.text((4, _TOP + high - 10), f"{low:.2f}", fill="black")
    draw.text((_LEFT, _HIGH - 18), f"{first:.0f}", fill="black")
    draw.text((_WIDE - 60, _HIGH - 18), f"{last:.0f} min", fill="black")
    return picture


def sheet(logs: list[Path]) -> Image.Image:
    """A panel for each log that reports a loss more than once, three in a row."""
    found = {f"{log.parent.name}: {log.stem}": curves(log) for log in logs}
    panels = [
        panel(title, shown)
        for title, shown in found.items()
        if any(len(curve) > 1 for curve in shown.values())
    ]
    rows = -(-len(panels) // _ACROSS)
    whole = Image.new("RGB", (_WIDE * min(len(panels), _ACROSS), _HIGH * rows), "white")
    for index, picture in enumerate(panels):
        whole.paste(picture, (index % _ACROSS * _WIDE, index // _ACROSS * _HIGH))
    return whole


def main() -> None:
    """Draw every log of the runs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", type=Path, nargs="*", default=[RUNS], help="folders with logs")
    logs = [log for run in parser.parse_args().runs for log in sorted(run.glob("*.log"))]
    sheet(logs).quantize(32).save(Path(__file__).with_name("loss.png"), optimize=True)


if __name__ == "__main__":
    main()
