"""The requests that an engine has taken and not ended: some run, the others wait.

Knows who they are and where they stand; not what they do, nor when it is whose turn.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from itertools import chain

from .adapters import Adapter
from .line import Line, deadline_of
from .run import Run


class Crowd:
    """Runs by id; `started` are those that hold memory, `waiting` the others."""

    def __init__(self) -> None:
        self.all: dict[str, Run] = {}
        self.started: dict[str, Run] = {}
        self.waiting: Line[Run] = Line()
        self.tenants: Counter[str] = Counter()

    def enter(self, run: Run) -> None:
        """`run` is new and waits."""
        self.all[run.request.id] = run
        self.waiting.add(run)
        self.tenants[run.ticket.tenant] += 1

    def start(self, run: Run) -> None:
        """`run` waits no longer."""
        self.waiting.remove(run)
        self.started[run.request.id] = run

    def leave(self, run: Run) -> None:
        """`run` is over, wherever it was."""
        del self.all[run.request.id]
        if not self.started.pop(run.request.id, None):
            self.waiting.remove(run)
        self.tenants -= Counter([run.ticket.tenant])

    @property
    def running(self) -> list[Run]:
        """Those that may go on: all that started, or the exclusive one among them."""
        running = list(self.started.values())
        return [run for run in running if run.ticket.exclusive] or running

    def before(self, wanted: Collection[Run]) -> Iterable[Run]:
        """Those that have a say in when `wanted`, which may be new, end."""
        if len(self.tenants.keys() | {run.ticket.tenant for run in wanted}) > 1:
            return self.all.values()
        last = max(map(deadline_of, wanted), default=0.0)
        return chain(self.started.values(), self.waiting.until(last))

    def worn(self, *, started: bool = False) -> set[Adapter]:
        """The adapters of all requests, or of those that started."""
        runs = self.started if started else self.all
        return {run.adapter for run in runs.values() if run.adapter}
