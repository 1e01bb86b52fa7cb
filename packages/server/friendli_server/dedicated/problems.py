"""The gateway's part of the one error table: what can end a request here and nowhere else.

No text repeats what a library said or what a client sent. Knows no route.
"""

from __future__ import annotations

from typing import Final

from friendli_wire import ErrorBody

from friendli_server.errors import KINDS, ApiError, Kind

_AUTH, _PERMISSION = "authentication_error", "permission_error"
_CALLER, _LIMIT, _BUSY, _SERVER = (
    "invalid_request_error",
    "rate_limit_error",
    "overloaded_error",
    "server_error",
)

KINDS.update(
    {
        "invalid_token": Kind(401, _AUTH, "A valid token is required: Authorization: Bearer flp_…"),
        "team_forbidden": Kind(403, _PERMISSION, "The token's user is not in this team."),
        "owner_required": Kind(403, _PERMISSION, "Only an owner of the team may do this."),
        "endpoint_not_found": Kind(404, "not_found_error", "There is no such endpoint."),
        "project_not_found": Kind(404, "not_found_error", "There is no such project."),
        "token_not_found": Kind(404, "not_found_error", "There is no such token."),
        "team_not_found": Kind(404, "not_found_error", "There is no such team."),
        "member_not_found": Kind(404, "not_found_error", "There is no such member."),
        "result_not_found": Kind(404, "not_found_error", "There is no such picture."),
        "invalid_link": Kind(403, _PERMISSION, "The link is not genuine."),
        "link_expired": Kind(410, _PERMISSION, "The link has expired."),
        "endpoint_terminated": Kind(409, _CALLER, "The endpoint is terminated."),
        "name_taken": Kind(409, _CALLER, "The name is taken."),
        "quota_requests_per_minute": Kind(429, _LIMIT, "The team's requests per minute are spent."),
        "quota_images_per_day": Kind(429, _LIMIT, "The team's images of today are spent."),
        "quota_concurrency": Kind(429, _LIMIT, "The team has too many requests in flight."),
        "bad_replica_answer": Kind(502, _SERVER, "The endpoint's model gave no usable answer."),
        "endpoint_failed": Kind(503, _BUSY, "The endpoint's model could not be started."),
        "endpoint_not_ready": Kind(503, _BUSY, "The endpoint is not ready yet; try again later."),
        "storage_unavailable": Kind(503, _BUSY, "The picture could not be stored; try again."),
        "database_unavailable": Kind(503, _BUSY, "The service is briefly unavailable."),
    }
)

_BY_STATUS: Final = {
    400: "unsupported_parameter",
    404: "model_not_found",
    413: "body_too_large",
    422: "invalid_request",
    500: "generation_failed",
    504: "deadline_exceeded",
}


def quota_exceeded(quota: str, *, limit: int, retry_after: int) -> ApiError:
    """The team's own limit, by name and size."""
    return ApiError(
        f"quota_{quota}",
        f"The team's limit is reached: {quota} = {limit}.",
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
