"""Pictures that a playground on this machine left for the history, one JSON file each.

A server writes them (`friendli serve`, where `FRIENDLI_HISTORY` says so); they are taken in when
the history is opened. Several processes may do so at once. Knows neither server nor screen.
"""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from friendli.cli.history.store import History
from friendli.cli.wish import Made, Wish


def take_in(history: History) -> int:
    """Move what waits into the history, oldest first; how many. What cannot be read is dropped."""
    count = 0
    for path in sorted((history.folder / "inbox").glob("*.json")):
        with contextlib.suppress(ValueError, KeyError, TypeError), _claimed(path) as taken:
            if taken:
                made = _made(json.loads(taken.read_text("utf-8")), history)
                history.add(made, at=_when(path))
                count += 1
    if count:
        history.prune()
    return count


@contextlib.contextmanager
def _claimed(path: Path) -> Iterator[Path | None]:
    """The file for this process alone, gone afterwards; None if another was faster."""
    taken = path.with_suffix(".taken")
    try:
        path.rename(taken)
    except FileNotFoundError:
        yield None
        return
    try:
        yield taken
    finally:
        taken.unlink()


def _when(path: Path) -> datetime:
    """The name begins with nanoseconds since 1970."""
    return datetime.fromtimestamp(int(path.name.partition("-")[0]) / 1e9, UTC)


def _made(told: Mapping[str, Any], history: History) -> Made:
    asked = told["asked"]
    wish = Wish(
        prompt=asked["prompt"],
        image=_files([asked["image"]] if asked.get("image") else [], history),
        mask=_files([asked["mask"]] if asked.get("mask") else [], history),
        steps=asked["num_inference_steps"],
        guidance=asked.get("guidance_scale"),
        seed=asked["seed"],
        model=asked.get("model"),
        control=_files(asked.get("control_images", []), history),
        weight=tuple(asked.get("controlnet_weights", [])),
    )
    return Made(
        wish=wish,
        content=base64.b64decode(told["jpeg"]),
        raw=False,
        width=told["width"],
        height=told["height"],
        seconds=told["seconds"],
        server=told["server"],
        model=asked.get("model") or "",
    )


def _files(given: list[Mapping[str, str]], history: History) -> tuple[str, ...]:
    """Pictures that went in, as files of the history's own."""
    contents = [base64.b64decode(one["image"].rpartition(",")[2]) for one in given]
    return tuple(history.keep_input(content, _suffix(content)) for content in contents)


def _suffix(content: bytes) -> str:
    return ".png" if content.startswith(b"\x89PNG") else ".jpg"
