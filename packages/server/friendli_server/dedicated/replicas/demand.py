"""The most of the last while. Knows no clock and no endpoint."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field


@dataclass
class Peak:
    """What was wanted at moments, as far as it may still be the most."""

    _falling: deque[tuple[float, int]] = field(default_factory=deque)

    def of(self, wanted: int, *, at: float, seconds: float) -> int:
        """The most that was wanted in the `seconds` before `at`, which never goes back."""
        while self._falling and self._falling[-1][1] <= wanted:
            self._falling.pop()
        self._falling.append((at, wanted))
        while self._falling[0][0] < at - seconds:
            self._falling.popleft()
        return self._falling[0][1]
