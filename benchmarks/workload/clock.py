"""Processor time of this thread, which a busy machine changes less than the wall's."""

from __future__ import annotations

import time
from collections.abc import Callable


class Clock:
    """Processor time of this thread, plus the idle time that was skipped."""

    def __init__(self) -> None:
        self._zero = time.thread_time()

    @property
    def now(self) -> float:
        """Seconds since the clock was made."""
        return time.thread_time() - self._zero

    def skip_to(self, moment: float) -> None:
        """Nothing happens until then."""
        self._zero -= max(moment - self.now, 0.0)


def timed(work: Callable[[], object]) -> float:
    """Processor seconds of this thread."""
    began = time.thread_time()
    work()
    return time.thread_time() - began
