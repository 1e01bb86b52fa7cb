"""`GET /dedicated/v1/team/usage`: what a team's pictures cost, as JSON or CSV. Knows no quota."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Final

from fastapi import APIRouter
from friendli_wire import ErrorLocation
from pydantic import BaseModel, ConfigDict
from starlette.requests import Request
from starlette.responses import Response

from friendli_server.dedicated.accounts.auth import Authenticator
from friendli_server.dedicated.accounts.headers import caller_of
from friendli_server.dedicated.database import Database, now
from friendli_server.dedicated.usage.services import records
from friendli_server.errors import ApiError

_DEFAULT: Final = timedelta(days=31)


class UsageLine(BaseModel):
    """One picture made; `engine_seconds` is how long the replica worked on it."""

    model_config = ConfigDict(from_attributes=True)

    finished_at: datetime
    team_id: str
    endpoint_id: str
    adapter: str | None
    operation: str
    steps: int
    width: int | None
    height: int | None
    engine_seconds: float


class UsageReport(BaseModel):
    """The lines between two moments, and their sums."""

    since: datetime
    until: datetime
    images: int
    steps: int
    engine_seconds: float
    data: list[UsageLine]


def router(authenticator: Authenticator, database: Database) -> APIRouter:
    """The usage route."""
    routes = APIRouter(tags=["Dedicated.Team"])

    @routes.get(
        "/dedicated/v1/team/usage", operation_id="dedicatedGetUsage", response_model=UsageReport
    )
    async def usage(request: Request) -> Response:
        caller = await caller_of(request, authenticator)
        until = _moment(request, "until", default=now())
        since = _moment(request, "since", default=until - _DEFAULT)
        async with database.transaction() as session:
            found = await records(session, caller.team_id, since=since, until=until)
            lines = [UsageLine.model_validate(record) for record in found]
        if "text/csv" in request.headers.get("accept", ""):
            return Response(_csv(lines), media_type="text/csv")
        report = UsageReport(
            since=since,
            until=until,
            images=len(lines),
            steps=sum(line.steps for line in lines),
            engine_seconds=round(sum(line.engine_seconds for line in lines), 3),
            data=lines,
        )
        return Response(report.model_dump_json(), media_type="application/json")

    return routes


def _moment(request: Request, name: str, *, default: datetime) -> datetime:
    """An ISO 8601 moment from the query; without a zone it is in UTC."""
    given = request.query_params.get(name)
    if not given:
        return default
    try:
        moment = datetime.fromisoformat(given)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        text = "Must be a moment such as 2026-01-31T00:00:00Z."
        at = ErrorLocation(loc=["query", name], msg=text, type="datetime_parsing")
        raise ApiError("invalid_request", f"{name}: {text}", param=name, detail=[at]) from None


def _csv(lines: Iterable[UsageLine]) -> str:
    out = StringIO()
    writer = csv.DictWriter(out, fieldnames=list(UsageLine.model_fields))
    writer.writeheader()
    writer.writerows(line.model_dump(mode="json") for line in lines)
    return out.getvalue()
