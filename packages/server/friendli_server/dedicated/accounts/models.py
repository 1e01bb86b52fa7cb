"""Tables of who may do what: teams, users, memberships, projects, tokens, the audit.

A user may belong to several teams; a token speaks for one user and, unless the request names
another of the user's teams, for one team. An admin token speaks for no user and no team.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from friendli_server.dedicated.database import Base, now
from friendli_server.dedicated.ids import random_id


class Role(StrEnum):
    """What a member may do: an owner everything, a member all but people, tokens and the team."""

    OWNER = "owner"
    MEMBER = "member"


class Team(Base):
    """The owner of everything else. A quota of `None` is no limit.

    `queue_share` is the part of the service's queue that its work in flight may fill, in (0, 1].
    """

    __tablename__ = "teams"

    id: Mapped[str] = mapped_column(primary_key=True, default=random_id)
    name: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(default=now)
    requests_per_minute: Mapped[int | None]
    images_per_day: Mapped[int | None]
    concurrency: Mapped[int | None]
    queue_share: Mapped[float | None]


class User(Base):
    """A person or a machine that tokens speak for."""

    __tablename__ = "users"

    id: Mapped[str] = mapped_column(primary_key=True, default=random_id)
    name: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(default=now)


class Membership(Base):
    """A user's place in a team."""

    __tablename__ = "memberships"

    team_id: Mapped[str] = mapped_column(
        ForeignKey("teams.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[str] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    role: Mapped[str]


class Project(Base):
    """A drawer of endpoints inside a team."""

    __tablename__ = "projects"

    id: Mapped[str] = mapped_column(primary_key=True, default=random_id)
    team_id: Mapped[str] = mapped_column(ForeignKey("teams.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=now)


class Token(Base):
    """What remains of a secret: its digest, and enough of its text to recognise it."""

    __tablename__ = "tokens"

    id: Mapped[str] = mapped_column(primary_key=True, default=random_id)
    user_id: Mapped[str | None] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), index=True
    )
    team_id: Mapped[str | None] = mapped_column(
        ForeignKey("teams.id", ondelete="CASCADE"), index=True
    )
    name: Mapped[str]
    sha256: Mapped[str] = mapped_column(unique=True)
    hint: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=now)
    revoked_at: Mapped[datetime | None]


class AuditEntry(Base):
    """One change made with an admin token or by an owner: who, what, on what."""

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    at: Mapped[datetime] = mapped_column(default=now, index=True)
    actor: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str]
    detail: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
