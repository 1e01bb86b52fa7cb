"""Bars of a replay's latencies, as a drawing for the documentation."""

from __future__ import annotations

import math
from xml.sax.saxutils import escape

from benchmarks.workload.score import Score, in_words

COLOURS = ("#2f6fde", "#9aa3af", "#e09f3e", "#5b8e7d", "#bc4b51")
WIDE, BAR, LEFT = 420, 16, 190
"""Pixels: the longest bar, the height of one, the room for names."""


def chart(scores: dict[tuple[float, str], Score]) -> str:
    """Mean latency of each server at each load, as horizontal bars."""
    longest = max(one.mean for one in scores.values())
    names = list(dict.fromkeys(name for _, name in scores))
    y, parts = 34, [_text(10, 20, "mean latency, seconds (shorter is better)", weight="bold")]
    for load in dict.fromkeys(load for load, _ in scores):
        parts.append(_text(10, y + 12, _heading(load)))
        for name in (name for name in names if (load, name) in scores):
            y += BAR + 4
            mean = scores[load, name].mean
            parts += _bar(y, name, mean, WIDE * mean / longest, COLOURS[names.index(name) % 5])
        y += BAR + 14
    size = f'viewBox="0 0 {LEFT + WIDE + 70} {y + 6}"'
    style = 'font-family="sans-serif" font-size="12" fill="#6b7280"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _heading(load: float) -> str:
    return (
        in_words(load) if load == math.inf else f"{in_words(load)} the capacity of plain diffusers"
    )


def _bar(y: int, name: str, value: float, width: float, colour: str) -> list[str]:
    return [
        _text(LEFT - 8, y + 12, name, anchor="end"),
        f'<rect x="{LEFT}" y="{y}" width="{width:.1f}" height="{BAR}" rx="2" fill="{colour}"/>',
        _text(LEFT + width + 6, y + 12, f"{value:.2f}"),
    ]


def _text(x: float, y: int, words: str, *, anchor: str = "start", weight: str = "normal") -> str:
    place = f'x="{x:.0f}" y="{y}" text-anchor="{anchor}" font-weight="{weight}"'
    return f"<text {place}>{escape(words)}</text>"
