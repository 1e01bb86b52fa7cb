"""What every request asks of the database, built once: building a statement takes as long as it.

They are on tables, not on mapped classes, since a session's bookkeeping is half of the gateway's
work. Parameters are given when they run. Knows no rule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Final

from sqlalchemy import (
    Executable,
    Table,
    bindparam,
    delete,
    exists,
    insert,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite

from friendli_server.dedicated.accounts.models import Team
from friendli_server.dedicated.database import Base

from .models import QuotaWindow, RunningJob, UsageRecord

_TEAMS, _RUNNING, _RECORDS, _WINDOWS = (
    Base.metadata.tables[kind.__tablename__]
    for kind in (Team, RunningJob, UsageRecord, QuotaWindow)
)

_INSERTS: Final[Mapping[str, Callable[[Table], postgresql.Insert | sqlite.Insert]]] = {
    "postgresql": postgresql.insert,
    "sqlite": sqlite.insert,
}

LOCK: Final[Executable] = (
    select(
        _TEAMS.c.requests_per_minute,
        _TEAMS.c.images_per_day,
        _TEAMS.c.concurrency,
        _TEAMS.c.queue_share,
    )
    .where(_TEAMS.c.id == bindparam("team_id"))
    .with_for_update(key_share=True)
)
"""A team's quotas; others who want them so wait until this transaction ends."""

SEEN: Final[Executable] = select(
    exists().where(_RUNNING.c.job_id == bindparam("job_id")),
    exists().where(_RECORDS.c.id == bindparam("job_id")),
)
"""Whether another attempt at a job runs, and whether one made its picture."""

RUN: Final[Executable] = insert(_RUNNING)
"""Note that an attempt runs."""

END: Final[Executable] = (
    delete(_RUNNING)
    .where(_RUNNING.c.id == bindparam("attempt"))
    .returning(_RUNNING.c.counted_on, _RUNNING.c.work)
)
"""An attempt runs no more."""


@cache
def count(dialect: str) -> Executable:
    """Add to the count of a window, and return it."""
    adding = _INSERTS[dialect](_WINDOWS)
    return adding.on_conflict_do_update(
        index_elements=list(_WINDOWS.primary_key),
        set_={"count": _WINDOWS.c.count + adding.excluded.count},
    ).returning(_WINDOWS.c.count)


@cache
def write_down(dialect: str) -> Executable:
    """Keep the record of a picture; a repeat's takes the place of the first."""
    adding = _INSERTS[dialect](_RECORDS)
    key = list(_RECORDS.primary_key)
    given = {column.name: adding.excluded[column.name] for column in _RECORDS.c}
    return adding.on_conflict_do_update(index_elements=key, set_=given)
