"""Tables of what runs now, what ran, and how much of a quota is spent."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from friendli_server.dedicated.database import Base, now


class RunningJob(Base):
    """A request being served, and the node that serves it. `work` is in denoiser steps.

    Requests with one `job_id` repeat each other; `counted_on` is the day (epoch seconds) whose
    quota has the job's images, set on one of them.
    """

    __tablename__ = "running_jobs"

    id: Mapped[str] = mapped_column(primary_key=True)
    job_id: Mapped[str] = mapped_column(index=True)
    team_id: Mapped[str] = mapped_column(index=True)
    endpoint_id: Mapped[str] = mapped_column(index=True)
    node_id: Mapped[str] = mapped_column(index=True)
    work: Mapped[int]
    counted_on: Mapped[int | None] = mapped_column(BigInteger)
    started_at: Mapped[datetime] = mapped_column(default=now)


class UsageRecord(Base):
    """One picture made. Outlives the endpoint, goes with the team."""

    __tablename__ = "usage_records"

    id: Mapped[str] = mapped_column(primary_key=True)
    team_id: Mapped[str] = mapped_column(ForeignKey("teams.id", ondelete="CASCADE"), index=True)
    endpoint_id: Mapped[str]
    adapter: Mapped[str | None]
    operation: Mapped[str]
    steps: Mapped[int]
    width: Mapped[int | None]
    height: Mapped[int | None]
    engine_seconds: Mapped[float]
    finished_at: Mapped[datetime] = mapped_column(default=now, index=True)


class QuotaWindow(Base):
    """How often `kind` happened for a team in the window that began at `start` (epoch seconds)."""

    __tablename__ = "quota_windows"

    team_id: Mapped[str] = mapped_column(
        ForeignKey("teams.id", ondelete="CASCADE"), primary_key=True
    )
    kind: Mapped[str] = mapped_column(primary_key=True)
    start: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    count: Mapped[int]
