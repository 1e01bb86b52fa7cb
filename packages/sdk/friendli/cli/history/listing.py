"""Kept pictures on a terminal, or as lines for programs."""

from __future__ import annotations

import json as jsons
import sys
from collections.abc import Sequence
from typing import Any

from friendli.cli.history.store import Entry
from friendli.cli.picture import drawable, drawn

_THUMBNAIL = 8
"""Columns of a thumbnail; half as many lines."""


def show(entries: Sequence[Entry], *, pictures: bool, json: bool) -> None:
    """List pictures: as a table on a terminal, tab-separated in a pipe, JSON if asked for."""
    if json or not sys.stdout.isatty():
        for entry in entries:
            print(_json(entry) if json else _line(entry))  # noqa: T201
        return
    _table(entries, pictures=pictures)


def show_one(entry: Entry) -> None:
    """The picture, large, and its parameters as JSON."""
    from rich.console import Console  # noqa: PLC0415

    console = Console()
    if drawable(console):
        console.print(drawn(entry.path.read_bytes()))
    print(_json(entry))  # noqa: T201


def _table(entries: Sequence[Entry], *, pictures: bool) -> None:
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    console = Console()
    table = Table(box=None, padding=(0, 1))
    thumbnails = pictures and drawable(console)
    if thumbnails:
        table.add_column(min_width=_THUMBNAIL)
    for name in ("no.", "made", "seed", "prompt"):
        table.add_column(name, overflow="fold", vertical="middle")
    for entry in entries:
        thumbnail: list[Any] = [_thumbnail(entry)] if thumbnails else []
        table.add_row(*thumbnail, *_cells(entry))
    console.print(table)


def _thumbnail(entry: Entry) -> Any:
    if not entry.path.exists():
        return "gone"
    return drawn(entry.path.read_bytes(), columns=_THUMBNAIL, blocks=True)


def _cells(entry: Entry) -> tuple[str, str, str, str]:
    made = entry.made.astimezone().strftime("%Y-%m-%d %H:%M")
    return str(entry.id), made, str(entry.wish.seed), entry.wish.prompt


def _line(entry: Entry) -> str:
    return "\t".join((*_cells(entry), str(entry.path)))


def _json(entry: Entry) -> str:
    told = {
        "history": entry.id,
        "made": entry.made.isoformat(),
        "path": str(entry.path),
        **entry.wish.to_json(),
        "width": entry.width,
        "height": entry.height,
        "seconds": round(entry.seconds, 3),
        "server": entry.server,
        "base_model": entry.model,
    }
    return jsons.dumps(told, ensure_ascii=False)
