"""Bodies and answers of the team's own API and of the admin API. Ours: no public API fixes them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from friendli_server.dedicated.accounts.models import Role

Name = Annotated[str, Field(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f]+$")]
Quota = Annotated[int, Field(ge=0, le=10**9)]
Share = Annotated[float, Field(gt=0, le=1)]


class _Row(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class Quotas(_Row):
    """A team's limits; null is none."""

    requests_per_minute: Quota | None = None
    images_per_day: Quota | None = None
    concurrency: Quota | None = None
    queue_share: Share | None = None


class TeamView(Quotas):
    """A team as its members and the admin see it."""

    id: str
    name: str
    created_at: datetime


class MemberView(BaseModel):
    """A user in a team."""

    user_id: str
    name: str
    role: Role


class MemberBody(BaseModel):
    """A user, by name, who shall be in the team; made if there is none of this name."""

    name: Name
    role: Literal["owner", "member"] = "member"


class TokenBody(BaseModel):
    """A token to make for oneself."""

    name: Name


class UserTokenBody(TokenBody):
    """A token the admin makes for a member of a team, by the user's name."""

    user: Name


class TokenView(_Row):
    """A token without its secret."""

    id: str
    name: str
    hint: str
    user_id: str | None
    created_at: datetime
    revoked_at: datetime | None


class NewToken(TokenView):
    """A token with its secret, which is shown this once."""

    token: str


class ProjectBody(BaseModel):
    """A project to make."""

    name: Name


class ProjectView(_Row):
    """A project."""

    id: str
    name: str


class TeamBody(Quotas):
    """A team to make."""

    name: Name


class AuditView(_Row):
    """One change."""

    at: datetime
    actor: str
    action: str
    subject: str
    detail: dict[str, object]
