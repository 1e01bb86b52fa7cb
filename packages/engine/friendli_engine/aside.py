"""A second thread for calls that share a forward with nobody: decoding, above all.

A picture is decoded on another core while the engine's own thread does the steps of others. Both
threads have equally many of torch's, so bits do not depend on where a call runs. Knows forwards and
their order; nothing of the rest of the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

import torch

from .forward import Attempt, Forwards
from .run import Run

PATIENCE = 0.01
"""Seconds to wait for a call when there is nothing else to do: then there may be a new request."""
FEW = 4
"""Processor threads that are better divided: more do little for one forward of a small model."""


def divided(threads: int) -> tuple[int, bool]:
    """What each of the two threads gets of so many torch threads, and whether there are two.

    One picture alone leaves half of them idle. Of two cores that costs it a sixth at most, and on
    a busy machine it gains: two threads that wait for each other are slower than one.
    """
    return (threads // 2, True) if 2 <= threads <= FEW else (threads, False)


class Aside:
    """Runs one call at a time beside the engine's own thread.

    Args:
        forwards: runs calls and accounts for them.
        on: whether to; if not, every call is left to the engine's own thread.
    """

    def __init__(self, forwards: Forwards, *, on: bool) -> None:
        self._forwards, self._on = forwards, on
        threads = torch.get_num_threads()
        self._pool = ThreadPoolExecutor(1, "aside", torch.set_num_threads, (threads,))
        self._busy: tuple[Run, Future[Attempt]] | None = None

    def take(
        self, parked: Sequence[Run], order: Callable[[Sequence[Run]], Sequence[Run]]
    ) -> list[Run]:
        """Begin the most urgent of the calls that are for here; those for the engine are left.

        A call that has the engine to itself is left, and one whose memory is yet to be measured:
        torch's profiler bears one thread. If nothing else is left, further ones are. A network with
        a state is never called by both threads.
        """
        if not self._on or (len(parked) < 2 and not self._busy):
            return list(parked)
        ours = [run for run in parked if _is_alone(run) and _is_measured(run)]
        if ours and not self._busy:
            run = order(ours)[0]
            self._busy = run, self._pool.submit(self._attempt, run)
        left = [run for run in parked if self._may_run_beside(run)]
        return [run for run in left if run not in ours] or left

    def ended(self, *, idle: bool) -> Iterator[tuple[Run, Any]]:
        """The run whose call has ended, if one has, and its outcome; `idle` is worth a wait."""
        if not self._busy:
            return
        _, future = self._busy
        wait([future], timeout=PATIENCE if idle else 0)
        if future.done():
            self._busy = None
            yield from self._forwards.settle(future.result())

    def close(self) -> None:
        """Wait for what is under way and forget it."""
        self._pool.shutdown()
        self._busy = None

    def _may_run_beside(self, run: Run) -> bool:
        """Whether the engine's own thread may take its call, whatever is under way here."""
        if not self._busy or not _is_alone(run):
            return True
        return run is not self._busy[0] and bool(run.parked and run.parked.network.spec.stateless)

    @torch.inference_mode()
    def _attempt(self, run: Run) -> Attempt:
        return self._forwards.attempt([run])


def _is_alone(run: Run) -> bool:
    return bool(run.parked and run.parked.network.solo)


def _is_measured(run: Run) -> bool:
    return bool(run.parked and run.parked.network in run.footprint.networks)
