"""How many rows one forward should hold: measured, per network and shape. Knows only a function.

Two things are measured: where more rows stop to pay (the knee), and at which numbers of rows a
row's bits do not depend on how many others there are. Kernels differ between processors and torch
builds, so both are found on the machine at hand, not assumed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.utils import _pytree

PATIENCE = 2
"""Sizes in a row without a gain before the search ends."""
RECOVERY = 64
"""Good forwards after which a limit lowered by lack of memory is doubled again."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a forward may hold at most.

    Args:
        max_rows: rows in one forward.
        gain: the least relative saving of time per row that makes a larger forward worthwhile;
            negative values take every size.
        tolerance: the largest relative difference to a row on its own; 0 demands equal bits.
        seconds: time one measurement may take.
    """

    max_rows: int = 16
    gain: float = 0.02
    tolerance: float = 0.0
    seconds: float = 2.0


@dataclass
class Profile:
    """The sizes at which forwards of one network and shape may be shared."""

    seconds: dict[int, float] = field(default_factory=dict)
    """Duration of a forward by its number of rows."""
    equal: set[int] = field(default_factory=set)
    knee: int = 1
    limit: int = 1 << 30
    broken: bool = False
    """Whether the search was ended by a size that failed."""
    network: str = ""
    shape: str = ""
    denoiser: bool = False
    _good: int = 0

    @property
    def sizes(self) -> set[int]:
        """Totals of rows that are worthwhile, faithful and fit into memory."""
        return {rows for rows in self.equal if rows <= min(self.knee, self.limit)}

    def shrink(self, rows: int) -> None:
        """A forward with `rows` did not fit into memory."""
        self.limit, self._good = max(rows // 2, 1), 0

    def grow(self) -> None:
        """A forward went well; after enough of them a lowered limit is tried anew."""
        self._good += 1
        if self._good >= RECOVERY:
            self.limit, self._good = self.limit * 2, 0


def measure(forward: Callable[[int], list[Any]], limits: Limits) -> Profile:
    """Profile `forward(rows)`, which answers one output for each of `rows` equal rows."""
    profile, misses = Profile(), 0
    began = time.perf_counter()
    _, alone = _timed(forward, 1)  # the first call pays for lazy set-up
    for rows in range(1, limits.max_rows + 1):
        if misses >= PATIENCE or time.perf_counter() - began > limits.seconds:
            break
        try:
            profile.seconds[rows], outputs = _timed(forward, rows)
        except Exception:  # whatever this size breaks, smaller ones work
            profile.broken = True
            break
        if all(_alike(output, alone[0], limits.tolerance) for output in outputs):
            profile.equal.add(rows)
        best = profile.seconds[profile.knee] / profile.knee
        if rows == 1 or profile.seconds[rows] / rows < best * (1 - limits.gain):
            profile.knee, misses = rows, 0
        else:
            misses += 1
    return profile


def _timed(forward: Callable[[int], list[Any]], rows: int) -> tuple[float, list[Any]]:
    began = time.perf_counter()
    outputs = forward(rows)
    if torch.accelerator.is_available():
        torch.accelerator.synchronize()
    return time.perf_counter() - began, outputs


def _alike(one: Any, other: Any, tolerance: float) -> bool:
    """Whether the tensors in two outputs agree; NaN agrees with NaN."""
    pairs = zip(_pytree.tree_leaves(one), _pytree.tree_leaves(other), strict=True)
    return all(
        a.shape == b.shape
        and torch.allclose(
            a, b, rtol=0, equal_nan=True, atol=tolerance and tolerance * float(b.abs().max())
        )
        for a, b in pairs
        if isinstance(a, torch.Tensor)
    )
