"""Quotas before a job, records after it. Exact across all nodes of one database.

The first statement of an admission locks the team's row of this minute, so admissions of one team
happen one after the other and neither counts nor limits can be overtaken. Knows no HTTP.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from friendli_server.dedicated.accounts.models import Team
from friendli_server.dedicated.database import now

from .models import QuotaWindow, RunningJob, UsageRecord

MINUTE: Final = 60
DAY: Final = 86_400
_now = time.time
_IN_FLIGHT_RETRY: Final = 1


class QuotaExceededError(Exception):
    """A team's limit is reached; `quota` is its name, `retry_after` when to ask again (seconds)."""

    def __init__(self, quota: str, *, limit: float, retry_after: int) -> None:
        super().__init__(quota)
        self.quota = quota
        self.limit = limit
        self.retry_after = retry_after


@dataclass(frozen=True, kw_only=True)
class Job:
    """Pictures to be made for a team. A repeat of the request has the same `id`."""

    id: str
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


async def admit(session: AsyncSession, job: Job, *, node_id: str, queue_steps: int) -> None:
    """Count the job and note that it runs.

    A team's queue share is its part of `queue_steps`, the work that may be in flight.

    Raises:
        QuotaExceededError: the team may not now; roll back.
    """
    requests = await _count(session, job.team_id, kind="requests", seconds=MINUTE)
    team = await session.get_one(Team, job.team_id)
    _judge("requests_per_minute", requests, team.requests_per_minute, seconds=MINUTE)
    if await session.get(UsageRecord, job.id) is None:
        images = await _count(session, job.team_id, kind="images", seconds=DAY, amount=job.images)
        _judge("images_per_day", images, team.images_per_day, seconds=DAY)
    await session.merge(
        RunningJob(
            id=job.id,
            team_id=job.team_id,
            endpoint_id=job.endpoint_id,
            node_id=node_id,
            work=job.work,
            started_at=now(),
        )
    )
    await session.flush()
    running, work = await _in_flight(session, job.team_id)
    _judge_now("concurrency", running, team.concurrency, most=team.concurrency)
    share = team.queue_share
    # One job fits always: a share smaller than a picture would be none at all.
    most = None if share is None else max(share * queue_steps, job.work)
    _judge_now("queue_share", work, share, most=most)


async def finish(session: AsyncSession, job: Job, records: Sequence[UsageRecord]) -> None:
    """The job runs no more; without records it made nothing and its images are not counted."""
    await session.execute(delete(RunningJob).where(RunningJob.id == job.id))
    for record in records:
        await session.merge(record)
    if records:
        return
    await session.execute(
        update(QuotaWindow)
        .where(
            QuotaWindow.team_id == job.team_id,
            QuotaWindow.kind == "images",
            QuotaWindow.start == _start(DAY),
            QuotaWindow.count >= job.images,
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
    await session.execute(delete(QuotaWindow).where(QuotaWindow.start < _now() - 2 * DAY))


async def _in_flight(session: AsyncSession, team_id: str) -> tuple[int, int]:
    """The team's running jobs and their denoiser steps, on all nodes."""
    query = select(func.count(RunningJob.id), func.coalesce(func.sum(RunningJob.work), 0))
    count, work = (await session.execute(query.where(RunningJob.team_id == team_id))).one()
    return int(count), int(work)


def _judge_now(quota: str, used: float, limit: float | None, *, most: float | None) -> None:
    """A limit on what is in flight: it eases as soon as something ends."""
    if limit is not None and most is not None and used > most:
        raise QuotaExceededError(quota, limit=limit, retry_after=_IN_FLIGHT_RETRY)


def _judge(quota: str, count: int, limit: int | None, *, seconds: int) -> None:
    if limit is not None and count > limit:
        left = _start(seconds) + seconds - _now()
        raise QuotaExceededError(quota, limit=limit, retry_after=max(1, round(left)))


def _start(seconds: int) -> int:
    return int(_now()) // seconds * seconds


async def _count(
    session: AsyncSession, team_id: str, *, kind: str, seconds: int, amount: int = 1
) -> int:
    """Add to this window's count and return it: one statement, hence atomic."""
    postgres = session.get_bind().dialect.name == "postgresql"
    insert = postgresql.insert if postgres else sqlite.insert
    row = {"team_id": team_id, "kind": kind, "start": _start(seconds), "count": amount}
    counted = await session.scalar(
        insert(QuotaWindow)
        .values(row)
        .on_conflict_do_update(
            index_elements=["team_id", "kind", "start"], set_={"count": QuotaWindow.count + amount}
        )
        .returning(QuotaWindow.count)
    )
    return counted or 0
