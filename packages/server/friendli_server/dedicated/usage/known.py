"""What this node knows of teams' quotas already, so that refusing costs no database.

It only ever refuses what the database would, if the endpoint exists: the jobs in flight here are
some of those in flight everywhere, and a window that is full stays full. The database admits;
knows no HTTP.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from . import services
from .services import MINUTE, InFlight, Job, Limits, QuotaExceededError

FRESH_SECONDS: Final = 3.0
"""How long limits are believed: an operator who raises one is heard by then."""
_REFUSED_SECONDS: Final = 1.0


@dataclass(frozen=True, kw_only=True)
class _Refusal:
    """The database refused a job of so many images; it would refuse as many again until then."""

    error: QuotaExceededError
    images: int
    until: float


class KnownLimits:
    """The limits read lately, the jobs in flight here, and the last refusal of each team."""

    def __init__(self, *, queue_steps: int) -> None:
        """`queue_steps` is the work in flight that teams have shares of."""
        self._queue_steps = queue_steps
        self._limits: dict[str, tuple[float, Limits]] = {}
        self._refusals: dict[str, _Refusal] = {}
        self._running: defaultdict[str, dict[str, Job]] = defaultdict(dict)

    def judge(self, job: Job) -> None:
        """Let a job pass to the database.

        Raises:
            QuotaExceededError: it would be refused there.
        """
        moment = services.epoch()
        refusal = self._refusals.get(job.team_id)
        if refusal and moment < refusal.until and job.images >= refusal.images:
            raise refusal.error
        read_at, limits = self._limits.get(job.team_id, (float("-inf"), None))
        if limits is not None and abs(moment - read_at) < FRESH_SECONDS:
            services.judge_in_flight(self._with(job), limits, job, queue_steps=self._queue_steps)

    def admitted(self, job: Job, limits: Limits) -> None:
        """The database admitted a job, by these limits."""
        self._limits[job.team_id] = (services.epoch(), limits)
        self._refusals.pop(job.team_id, None)

    def refused(self, job: Job, error: QuotaExceededError) -> None:
        """A job was refused, by the database or here."""
        if error.quota not in services.WINDOWS:
            return
        moment = services.epoch()
        until = min(moment + _REFUSED_SECONDS, services.start_of(MINUTE) + MINUTE)
        known = self._refusals.get(job.team_id)
        if known is None or known.error is not error:
            refusal = _Refusal(error=error, images=job.images, until=until)
            self._refusals[job.team_id] = refusal

    @contextmanager
    def running(self, job: Job) -> Iterator[None]:
        """Count the job as in flight here while the block runs."""
        here = self._running[job.team_id]
        here[job.attempt] = job
        try:
            yield
        finally:
            del here[job.attempt]
            if not here:
                self._running.pop(job.team_id, None)

    def _with(self, job: Job) -> InFlight:
        """What would be in flight here with this job; a repeat of a running one adds nothing."""
        here = self._running.get(job.team_id, {})
        work = {running.id: running.work for running in (*here.values(), job)}
        return InFlight(len(work), sum(work.values()))
