"""Teams take turns at the gateway's own work. Knows neither jobs nor the database.

Admitting a job and writing its end down cost the gateway processor time. Were they served in the
order they come, a team that sends a hundred at once would keep the next team waiting for all of
them. Here a few run at once, and whenever one ends, the next team in the round has its turn.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from typing import Final

LONGEST_SECONDS: Final = 1.0
"""After which others go on: what waits for a database that is away must not stop the round."""


class Turns:
    """At most `at_once` blocks run; those that wait are taken from each team in turn."""

    def __init__(self, at_once: int) -> None:
        self._free = at_once
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    @asynccontextmanager
    async def of(self, team_id: str) -> AsyncIterator[None]:
        """Run the block when it is this team's turn."""
        await self._take(team_id)
        with ExitStack() as turn:  # closes once, whoever does it
            turn.callback(self._pass_on)
            lapse = asyncio.get_running_loop().call_later(LONGEST_SECONDS, turn.close)
            turn.callback(lapse.cancel)
            yield

    async def _take(self, team_id: str) -> None:
        if self._free > 0:
            self._free -= 1
            return
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(team_id, deque()).append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            if not mine.cancelled():  # the turn came together with the cancellation
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        """Give a free turn to the first team of the round, which then waits behind the others."""
        while self._waiting:
            team_id, line = self._waiting.popitem(last=False)
            next_one = line.popleft()
            if line:
                self._waiting[team_id] = line
            if not next_one.done():  # it may have been cancelled while it waited
                return next_one.set_result(None)
        self._free += 1
        return None
