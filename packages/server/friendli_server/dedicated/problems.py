"""Errors that only the gateway has to make: a team's limits, and what a replica said.

No text repeats what a library said or what a client sent. Knows no route.
"""

from __future__ import annotations

import logging
from typing import Final

from friendli_wire import ErrorBody

from friendli_server.dedicated.database import DatabaseDownError
from friendli_server.errors import KINDS, ApiError

logger = logging.getLogger("friendli.dedicated")

_BY_STATUS: Final = {
    404: "model_not_found",
    413: "body_too_large",
    422: "invalid_request",
    500: "generation_failed",
    504: "deadline_exceeded",
}


def quota_exceeded(quota: str, *, limit: float, retry_after: int) -> ApiError:
    """The team's own limit, by name and size."""
    return ApiError(
        f"quota_{quota}",
        f"The team's limit is reached: {quota} = {limit:g}.",
        retry_after=retry_after,
    )


def told_by_replica(status: int, told: ErrorBody | None) -> ApiError:
    """A replica's own judgement of the request, in the gateway's name."""
    if told is None or status not in _BY_STATUS:
        return ApiError("bad_replica_answer")
    code = told.error.code or ""
    known = code in KINDS and KINDS[code].status == status
    return ApiError(
        code if known else _BY_STATUS[status],
        told.message,
        param=told.error.param,
        detail=told.detail,
    )


def told_to_client(raised: Exception) -> ApiError:
    """Whatever ended a request, as its client shall hear of it; the unexpected is logged."""
    if isinstance(raised, ApiError):
        return raised
    if isinstance(raised, DatabaseDownError):
        return ApiError("database_unavailable", retry_after=1)
    logger.error("a stream failed", exc_info=raised)
    return ApiError("internal_error")
