"""Quotas before a job, records after it. Exact across all nodes of one database.

An admission locks the team's row, and so does the end of a job that made nothing, so those of one
team happen one after the other and neither counts nor limits can be overtaken. A job is admitted as
often as its request is repeated; its images are counted once, by the first attempt, and handed on
when that one fails. Knows no HTTP.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Result, Row, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from friendli_server.dedicated.database import now
from friendli_server.errors import ApiError

from . import statements
from .models import QuotaWindow, RunningJob, UsageRecord

MINUTE: Final = 60
DAY: Final = 86_400
WINDOWS: Final = frozenset({"requests_per_minute", "images_per_day"})
"""The quotas that are counted by the clock; the others look at what is in flight."""
epoch = time.time
_IN_FLIGHT_RETRY: Final = 1


class QuotaExceededError(Exception):
    """A team's limit is reached; `quota` is its name, `retry_after` when to ask again (seconds)."""

    def __init__(self, quota: str, *, limit: float, retry_after: int) -> None:
        super().__init__(quota)
        self.quota = quota
        self.limit = limit
        self.retry_after = retry_after


class Limits(NamedTuple):
    """A team's limits on what is in flight; `None` is no limit."""

    concurrency: int | None
    queue_share: float | None


_UNLIMITED: Final = Limits(None, None)


class InFlight(NamedTuple):
    """Jobs running, and their denoiser steps."""

    jobs: int
    work: int


@dataclass(frozen=True, kw_only=True)
class Job:
    """Pictures to be made for a team. A repeat of the request has the same `id`.

    `attempt` is this request's own name.
    """

    id: str
    attempt: str
    team_id: str
    endpoint_id: str
    adapter: str | None
    operation: str
    steps: int
    images: int

    @property
    def work(self) -> int:
        """Denoiser steps in all."""
        return self.steps * self.images


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One that was made, as the report names it."""

    id: str
    width: int
    height: int
    engine_seconds: float


async def admit(session: AsyncSession, job: Job, *, node_id: str, queue_steps: int) -> Limits:
    """Count the job and note that it runs; the limits by which it may.

    A team's queue share is its part of `queue_steps`, the work that may be in flight.

    Raises:
        QuotaExceededError: the team may not now; roll back.
        ApiError: 404, the team was deleted while its token was still believed.
    """
    team = await _locked(session, job.team_id)
    if team is None:
        raise ApiError("team_not_found")
    requests = await _count(session, job.team_id, kind="requests", start=start_of(MINUTE))
    _judge("requests_per_minute", requests, team.requests_per_minute, seconds=MINUTE)
    repeats, made = (await session.execute(statements.SEEN, {"job_id": job.id})).one()
    counted_on = None
    if not (repeats or made):
        counted_on = start_of(DAY)
        images = await _count(
            session, job.team_id, kind="images", start=counted_on, amount=job.images
        )
        _judge("images_per_day", images, team.images_per_day, seconds=DAY)
    await session.execute(
        statements.RUN,
        {
            "id": job.attempt,
            "job_id": job.id,
            "team_id": job.team_id,
            "endpoint_id": job.endpoint_id,
            "node_id": node_id,
            "work": 0 if repeats else job.work,
            "counted_on": counted_on,
            "started_at": now(),
        },
    )
    limits = Limits(team.concurrency, team.queue_share)
    if limits != _UNLIMITED:
        in_flight = await _in_flight(session, job.team_id)
        judge_in_flight(in_flight, limits, job, queue_steps=queue_steps)
    return limits


def judge_in_flight(in_flight: InFlight, limits: Limits, job: Job, *, queue_steps: int) -> None:
    """Judge what is in flight, this job included.

    Raises:
        QuotaExceededError: it is too much; that eases as soon as something ends.
    """
    concurrency, share = limits
    if concurrency is not None and in_flight.jobs > concurrency:
        raise QuotaExceededError("concurrency", limit=concurrency, retry_after=_IN_FLIGHT_RETRY)
    # One job fits always: a share smaller than a picture would be none at all.
    if share is not None and in_flight.work > max(share * queue_steps, job.work):
        raise QuotaExceededError("queue_share", limit=share, retry_after=_IN_FLIGHT_RETRY)


async def finish(session: AsyncSession, job: Job, pictures: Sequence[Picture]) -> None:
    """The attempt runs no more; without pictures it made nothing and its images are not counted."""
    if pictures:
        about = {
            "team_id": job.team_id,
            "endpoint_id": job.endpoint_id,
            "adapter": job.adapter,
            "operation": job.operation,
            "steps": job.steps,
            "finished_at": now(),
        }
        rows = [about | asdict(picture) for picture in pictures]
        await session.execute(statements.write_down(_dialect(session)), rows)
    else:
        await _locked(session, job.team_id)
    ended = await session.execute(statements.END, {"attempt": job.attempt})
    for counted_on, work in ended.all():
        if not pictures:
            await _hand_back(session, job, counted_on=counted_on, work=work)


async def _hand_back(session: AsyncSession, job: Job, *, counted_on: int | None, work: int) -> None:
    """What was counted is a running repeat's from now on, or nobody's."""
    heir = await _running(session, job.id)
    if heir is not None:
        heir.counted_on, heir.work = heir.counted_on or counted_on, max(heir.work, work)
    elif counted_on is not None and await session.get(UsageRecord, job.id) is None:
        await session.execute(
            update(QuotaWindow)
            .where(
                QuotaWindow.team_id == job.team_id,
                QuotaWindow.kind == "images",
                QuotaWindow.start == counted_on,
            )
            .values(count=QuotaWindow.count - job.images)
        )


async def records(
    session: AsyncSession, team_id: str, *, since: datetime, until: datetime
) -> list[UsageRecord]:
    """The team's pictures between two moments, oldest first."""
    found = await session.scalars(
        select(UsageRecord)
        .where(
            UsageRecord.team_id == team_id,
            UsageRecord.finished_at >= since,
            UsageRecord.finished_at < until,
        )
        .order_by(UsageRecord.finished_at)
    )
    return list(found)


async def work_by_endpoint(session: AsyncSession) -> dict[str, int]:
    """Denoiser steps in flight on all nodes, by endpoint."""
    rows = await session.execute(
        select(RunningJob.endpoint_id, func.sum(RunningJob.work)).group_by(RunningJob.endpoint_id)
    )
    return {endpoint_id: int(work) for endpoint_id, work in rows}


async def forget_lost(session: AsyncSession, living: set[str]) -> None:
    """Drop the jobs of nodes that died and the windows that nobody looks at any more."""
    await session.execute(delete(RunningJob).where(RunningJob.node_id.not_in(living)))
    await session.execute(delete(QuotaWindow).where(QuotaWindow.start < epoch() - 2 * DAY))


def start_of(seconds: int) -> int:
    """When the window of so many seconds that holds this moment began, in epoch seconds."""
    return int(epoch()) // seconds * seconds


async def _locked(session: AsyncSession, team_id: str) -> Row[Any] | None:
    """The team's quotas, if it is still there; others wait until this transaction ends."""
    found: Result[Any] = await session.execute(statements.LOCK, {"team_id": team_id})
    return found.one_or_none()


async def _running(session: AsyncSession, job_id: str) -> RunningJob | None:
    """An attempt at the job that runs somewhere."""
    found = await session.scalars(select(RunningJob).where(RunningJob.job_id == job_id).limit(1))
    return found.first()


async def _in_flight(session: AsyncSession, team_id: str) -> InFlight:
    """What the team has in flight on all nodes; repeats are one job."""
    query = select(
        func.count(RunningJob.job_id.distinct()), func.coalesce(func.sum(RunningJob.work), 0)
    )
    jobs, work = (await session.execute(query.where(RunningJob.team_id == team_id))).one()
    return InFlight(int(jobs), int(work))


def _judge(quota: str, count: int, limit: int | None, *, seconds: int) -> None:
    if limit is not None and count > limit:
        left = start_of(seconds) + seconds - epoch()
        raise QuotaExceededError(quota, limit=limit, retry_after=max(1, round(left)))


async def _count(
    session: AsyncSession, team_id: str, *, kind: str, start: int, amount: int = 1
) -> int:
    """Add to the count of the window that began at `start`, and return it."""
    row = {"team_id": team_id, "kind": kind, "start": start, "count": amount}
    counted = await session.scalar(statements.count(_dialect(session)), row)
    return int(counted)


def _dialect(session: AsyncSession) -> str:
    return session.get_bind().dialect.name
