"""One forward for several requests: which sizes pay, what it cost, whose fault it is if it fails.

Knows runs, profiles and footprints; nothing of the order of things and of pipelines.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils import _pytree

from .errors import NotFiniteError, OutOfMemoryError
from .memory import peak
from .network import ParkedCall
from .profiles import Profiles
from .run import Run

NOT_FINITE = "The network answered with values that are not numbers."
NO_MEMORY = "The request does not fit into memory."


@dataclass(eq=False)
class Attempt:
    """A forward that was run: what came of it and how many seconds it took."""

    runs: Sequence[Run]
    calls: Sequence[ParkedCall]
    outcomes: Sequence[Any] = ()
    healthy: Sequence[bool] = ()
    failure: Exception | None = None
    seconds: float = 0.0


class Forwards:
    """Runs forwards and counts them.

    Args:
        profiles: at which numbers of rows calls may share.
        device: where the networks live.
        charge: told the seconds that each run's rows took.
    """

    def __init__(
        self, profiles: Profiles, device: torch.device, charge: Callable[[Run, float], None]
    ) -> None:
        self._profiles, self._device, self._charge = profiles, device, charge
        self.count = self.rows = 0
        self.seconds = 0.0

    def sizes(self, run: Run) -> Collection[int]:
        """At how many rows calls like this one may share; measured when first met."""
        if run.parked is None or run.parked.network.solo or run.ticket.exclusive:
            return ()
        try:
            return self._profiles.of(run.parked).sizes
        except Exception:  # it fails again when it runs, where it is handled
            return ()

    def run(self, runs: Sequence[Run]) -> Iterator[tuple[Run, Any]]:
        """Run one forward; a failing one is split until the culprit is alone."""
        return self.settle(self.attempt(runs)) if runs else iter(())

    def attempt(self, runs: Sequence[Run]) -> Attempt:
        """Run one forward, in whatever thread this is; its outcomes are for `settle`."""
        calls = [run.parked for run in runs if run.parked]
        attempt, began = Attempt(runs, calls), time.perf_counter()
        try:
            attempt.outcomes = self._forward(runs, calls)
            attempt.healthy = rows_are_finite(calls, attempt.outcomes)
        except Exception as error:  # any failure belongs to the request that caused it
            attempt.failure = error
        attempt.seconds = time.perf_counter() - began
        return attempt

    def settle(self, attempt: Attempt) -> Iterator[tuple[Run, Any]]:
        """Account for a forward, and tell what each run is to go on with."""
        if attempt.failure:
            yield from self._split(attempt.runs, attempt.calls, attempt.failure)
            return
        self._account(attempt)
        answers = zip(attempt.runs, attempt.outcomes, attempt.healthy, strict=True)
        for run, outcome, finite in answers:
            yield run, outcome if finite else NotFiniteError(NOT_FINITE)

    def _forward(self, runs: Sequence[Run], calls: Sequence[ParkedCall]) -> list[Any]:
        """The forward; if a run is the first of its shape, its memory and its knee are measured.

        So the knee is known before there is anybody to share with: then memory may be short.
        """
        network = calls[0].network
        if all(network in run.footprint.networks for run in runs):
            return network.run(calls)
        self.sizes(runs[0])
        outcomes, taken = peak(self._device, lambda: network.run(calls))
        rows = sum(run.rows for run in runs)
        for run in runs:
            run.footprint.saw(network, taken * run.rows // rows)
        return outcomes  # type: ignore[no-any-return]

    def _split(
        self, runs: Sequence[Run], calls: Sequence[ParkedCall], error: Exception
    ) -> Iterator[tuple[Run, Any]]:
        short = lacks_memory(error)
        if len(runs) == 1:
            yield runs[0], OutOfMemoryError(NO_MEMORY) if short else error
            return
        if short:
            self._profiles.shrink(calls[0], sum(call.rows for call in calls))
        half = len(runs) // 2
        yield from self.run(runs[:half])
        yield from self.run(runs[half:])

    def _account(self, attempt: Attempt) -> None:
        runs, calls, seconds = attempt.runs, attempt.calls, attempt.seconds
        rows = sum(call.rows for call in calls)
        self.count += 1
        self.rows += rows
        self.seconds += seconds
        self._profiles.grow(calls[0])
        for run in runs:
            share = seconds * run.rows / rows
            self._charge(run, share)
            if run.stepping:
                run.spent.stepping += seconds
                run.spent.share += share
            else:
                run.spent.rest += share


def lacks_memory(error: BaseException) -> bool:
    """Whether a forward failed for want of memory; on a CPU that is a plain RuntimeError."""
    words = ("can't allocate memory", "not enough memory", "out of memory")
    return isinstance(error, RuntimeError) and any(word in str(error) for word in words)


def rows_are_finite(calls: Sequence[ParkedCall], outcomes: Sequence[Any]) -> list[bool]:
    """For each call, whether its denoiser's answer is free of NaN and infinity.

    A sum is finite only if its terms are: one number per call crosses from the device.
    """
    if not calls[0].network.denoiser:
        return [True] * len(calls)
    sums = [_sum(outcome) for outcome in outcomes]
    values = torch.stack(sums).tolist() if len(sums) > 1 else [sums[0].item()]
    return [math.isfinite(value) for value in values]


def _sum(outcome: Any) -> torch.Tensor:
    sums = [tensor.sum(dtype=torch.float32) for tensor in _tensors(outcome)]
    return sums[0] if len(sums) == 1 else torch.stack(sums).sum()


def _tensors(outcome: Any) -> Sequence[torch.Tensor]:
    """All in it; the usual tuple is not searched, which would take longer than its sum."""
    if isinstance(outcome, tuple) and all(isinstance(part, torch.Tensor) for part in outcome):
        return outcome
    return [leaf for leaf in _pytree.tree_leaves(outcome) if isinstance(leaf, torch.Tensor)]
