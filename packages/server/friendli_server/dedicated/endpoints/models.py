"""Tables of endpoints, their versions and the replicas that serve them.

`goal` is what people asked for, `status` what is; only the node with the lease writes `status`
(`replicas/keeper.py`), any node may write `goal`.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from friendli_server.dedicated.database import Base, now
from friendli_server.dedicated.ids import random_id


class Goal(StrEnum):
    """What an endpoint is meant to be."""

    AWAKE = "awake"
    ASLEEP = "asleep"
    TERMINATED = "terminated"


class ReplicaState(StrEnum):
    """A replica's life, in order; `FAILED` may follow any but `DRAINING`."""

    STARTING = "starting"
    READY = "ready"
    DRAINING = "draining"
    FAILED = "failed"


class Endpoint(Base):
    """A team's address of one model. `version` numbers the spec in force, from 0."""

    __tablename__ = "endpoints"

    id: Mapped[str] = mapped_column(primary_key=True)
    team_id: Mapped[str] = mapped_column(ForeignKey("teams.id", ondelete="CASCADE"), index=True)
    project_id: Mapped[str] = mapped_column(
        ForeignKey("projects.id", ondelete="CASCADE"), index=True
    )
    creator_id: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now)
    version: Mapped[int] = mapped_column(default=0)
    goal: Mapped[str] = mapped_column(default=Goal.AWAKE)
    epoch: Mapped[int] = mapped_column(default=0)
    status: Mapped[str]
    phase: Mapped[str | None]
    error_code: Mapped[str | None]
    used_at: Mapped[datetime] = mapped_column(default=now)


class EndpointVersion(Base):
    """One spec an endpoint had. Kept for ever: it is the history."""

    __tablename__ = "endpoint_versions"

    endpoint_id: Mapped[str] = mapped_column(
        ForeignKey("endpoints.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True)
    spec: Mapped[dict[str, Any]] = mapped_column(JSON)
    comment: Mapped[str | None]
    creator_id: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=now)


class Replica(Base):
    """One container behind an endpoint, launched for one version and one epoch of it.

    A restart raises the endpoint's `epoch`, so that replicas of the same version are replaced.
    """

    __tablename__ = "replicas"

    id: Mapped[str] = mapped_column(primary_key=True, default=lambda: random_id("rep"))
    endpoint_id: Mapped[str] = mapped_column(
        ForeignKey("endpoints.id", ondelete="CASCADE"), index=True
    )
    version: Mapped[int]
    epoch: Mapped[int]
    node_id: Mapped[str] = mapped_column(index=True)
    state: Mapped[str] = mapped_column(default=ReplicaState.STARTING)
    url: Mapped[str | None]
    phase: Mapped[str | None]
    """Of its start, where it tells of one: the API's word."""
    error_code: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    ready_at: Mapped[datetime | None]
    draining_at: Mapped[datetime | None]
