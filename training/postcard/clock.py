"""The clock of a training stage: minutes of computing, so that a paused run does not age.

It knows nothing of what is trained.
"""

from __future__ import annotations

import time

import torch

SAVE_EVERY = 240.0
"""Seconds between two checkpoints."""


def _computed() -> float:
    return time.process_time() / torch.get_num_threads() / 60


class Clock:
    """A plan of so many minutes of computing by each thread, of which some may be spent before."""

    def __init__(self, plan: float, *, spent: float = 0.0) -> None:
        self.plan, self._begun, self._saved = plan, _computed() - spent, time.monotonic()

    @property
    def spent(self) -> float:
        """Minutes so far."""
        return _computed() - self._begun

    @property
    def share(self) -> float:
        """Of the plan, from 0 to 1."""
        return min(1.0, self.spent / self.plan)

    def save_due(self) -> bool:
        """Whether it is time for a checkpoint; asking starts the time to the next one."""
        due = time.monotonic() - self._saved > SAVE_EVERY
        if due:
            self._saved = time.monotonic()
        return due
