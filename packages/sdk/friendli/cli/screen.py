"""Pictures in the making, on a terminal: a bar for each, and a preview of the latest.

Everything goes to standard error, so that standard output stays for paths, JSON or bytes. Without a
terminal nothing but notes is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from friendli.cli.picture import drawable, drawn


class Screen:
    """A `Watch` that draws.

    Args:
        show: whether to draw pictures where the terminal can.
    """

    def __init__(self, *, show: bool = True) -> None:
        self.console = Console(stderr=True)
        self._pictures = show and drawable(self.console)
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[told]}"),
            console=self.console,
        )
        self._tasks: list[TaskID] = []
        self._preview: Any = ""
        self._live = Live(get_renderable=self._drawn, console=self.console, transient=True)

    def say(self, text: str) -> None:
        """A note to the person."""
        self.console.print(text, style="dim", highlight=False)

    @contextmanager
    def watching(self, titles: Sequence[str]) -> Iterator[None]:
        """Show one bar for each title while the block runs."""
        short = [title if len(title) < 40 else title[:39] + "…" for title in titles]
        self._tasks = [self._bars.add_task(title, total=None, told="") for title in short]
        if not self.console.is_terminal:
            yield
            return
        with self._live:
            yield

    def queued(self, index: int, position: int, eta: float | None) -> None:
        """Tell the place in the queue."""
        if position:
            self._tell(index, f"{position} ahead{_seconds(eta)}")

    def progress(self, index: int, step: int, steps: int, eta: float | None) -> None:
        """Move the bar."""
        self._bars.update(self._tasks[index], completed=step, total=steps)
        self._tell(index, f"{step}/{steps}{_seconds(eta)}")

    def preview(self, index: int, jpeg: bytes) -> None:
        """Show how it looks by now; with several pictures, the first one's."""
        if self._pictures and index == 0:
            self._preview = drawn(jpeg, blocks=True)

    def done(self, index: int) -> None:
        """Fill the bar."""
        total = self._bars.tasks[self._tasks[index]].total or 1
        self._bars.update(self._tasks[index], completed=total, total=total)
        self._tell(index, "done")

    def show(self, picture: Any) -> None:
        """Draw a finished picture, a file's bytes or a Pillow image, where the terminal can."""
        if self._pictures:
            self.console.print(drawn(picture))

    def _tell(self, index: int, text: str) -> None:
        self._bars.update(self._tasks[index], told=text)

    def _drawn(self) -> Group:
        return Group(self._bars, self._preview)


def _seconds(eta: float | None) -> str:
    return "" if eta is None else f" · {eta:.1f} s" if eta < 9.95 else f" · {eta:.0f} s"
