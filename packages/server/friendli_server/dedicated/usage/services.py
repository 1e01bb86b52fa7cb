"""Quotas before a job, records after it. Exact across all nodes of one database.

The first statement of an admission locks the team's row of this minute, so admissions of one team
happen one after the other and neither counts nor limits can be overtaken. Knows no HTTP.
"""

from __future__ import annotations

import time
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
_CONCURRENCY_RETRY: Final = 1


class QuotaExceededError(Exception):
    """A team's limit is reached; `quota` is its name, `retry_after` when to ask again (seconds)."""

    def __init__(self, quota: str, *, limit: int, retry_after: int) -> None:
        super().__init__(quota)
        self.quota = quota
        self.limit = limit
        self.retry_after = retry_after


@dataclass(frozen=True, kw_only=True)
class Job:
    """One picture to be made for a team. A repeat of the request has the same `id`."""

    id: str
    team_id: str
    endpoint_id: str
    adapter: str | None
    operation: str
    steps: int


async def admit(session: AsyncSession, job: Job, *, node_id: str) -> None:
    """Count the job and note that it runs.

    Raises:
        QuotaExceededError: the team may not now; roll back.
    """
    requests = await _count(session, job.team_id, kind="requests", seconds=MINUTE)
    team = await session.get_one(Team, job.team_id)
    _judge("requests_per_minute", requests, team.requests_per_minute, seconds=MINUTE)
    if await session.get(UsageRecord, job.id) is None:
        images = await _count(session, job.team_id, kind="images", seconds=DAY)
        _judge("images_per_day", images, team.images_per_day, seconds=DAY)
    await session.merge(
        RunningJob(
            id=job.id,
            team_id=job.team_id,
            endpoint_id=job.endpoint_id,
            node_id=node_id,
            work=job.steps,
            started_at=now(),
        )
    )
    await session.flush()
    running = await _running(session, job.team_id)
    if team.concurrency is not None and running > team.concurrency:
        raise QuotaExceededError(
            "concurrency", limit=team.concurrency, retry_after=_CONCURRENCY_RETRY
        )


async def finish(session: AsyncSession, job: Job, record: UsageRecord | None) -> None:
    """The job runs no more; without a record it made nothing and its image is not counted."""
    await session.execute(delete(RunningJob).where(RunningJob.id == job.id))
    if record is not None:
        await session.merge(record)
        return
    await session.execute(
        update(QuotaWindow)
        .where(
            QuotaWindow.team_id == job.team_id,
            QuotaWindow.kind == "images",
            QuotaWindow.start == _start(DAY),
            QuotaWindow.count > 0,
        )
        .values(count=QuotaWindow.count - 1)
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


async def _running(session: AsyncSession, team_id: str) -> int:
    query = select(func.count(RunningJob.id)).where(RunningJob.team_id == team_id)
    return (await session.execute(query)).scalar_one()


def _judge(quota: str, count: int, limit: int | None, *, seconds: int) -> None:
    if limit is not None and count > limit:
        left = _start(seconds) + seconds - _now()
        raise QuotaExceededError(quota, limit=limit, retry_after=max(1, round(left)))


def _start(seconds: int) -> int:
    return int(_now()) // seconds * seconds


async def _count(session: AsyncSession, team_id: str, *, kind: str, seconds: int) -> int:
    """Add one to this window's count and return it: one statement, hence atomic."""
    postgres = session.get_bind().dialect.name == "postgresql"
    insert = postgresql.insert if postgres else sqlite.insert
    row = {"team_id": team_id, "kind": kind, "start": _start(seconds), "count": 1}
    counted = await session.scalar(
        insert(QuotaWindow)
        .values(row)
        .on_conflict_do_update(
            index_elements=["team_id", "kind", "start"], set_={"count": QuotaWindow.count + 1}
        )
        .returning(QuotaWindow.count)
    )
    return counted or 0
