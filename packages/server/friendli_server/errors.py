"""Every error a server answers with: one table, one exception, one body.

The texts are ours: never a library's words, never the caller's input echoed at length. Knows
nothing about routes; `envelope.py` turns an `ApiError` into a response.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from friendli_wire import ErrorBody, ErrorInfo, ErrorLocation
from pydantic import ValidationError
from pydantic_core import ErrorDetails


class Kind(NamedTuple):
    """How a code is answered: the HTTP status, OpenAI's error type, and the default text."""

    status: int
    type: str
    message: str


_CALLER, _BUSY, _SERVER = "invalid_request_error", "overloaded_error", "server_error"
_AUTH, _PERMISSION = "authentication_error", "permission_error"
_MISSING, _LIMIT = "not_found_error", "rate_limit_error"

COMMON: Final[Mapping[str, Kind]] = {
    "invalid_json": Kind(400, _CALLER, "The body is not valid JSON."),
    "invalid_form": Kind(400, _CALLER, "The body is not a valid multipart form."),
    "invalid_http": Kind(400, _CALLER, "The request is not valid HTTP."),
    "unauthorized": Kind(401, _AUTH, "A valid API key is required."),
    "forbidden": Kind(403, _PERMISSION, "This is not allowed."),
    "not_found": Kind(404, _MISSING, "There is nothing at this path."),
    "model_not_found": Kind(404, _MISSING, "There is no such model."),
    "method_not_allowed": Kind(405, _CALLER, "This path does not take that method."),
    "request_timeout": Kind(408, _CALLER, "The request body came too slowly."),
    "conflict": Kind(409, _CALLER, "The request conflicts with another one."),
    "body_too_large": Kind(413, _CALLER, "The request body is too large."),
    "unsupported_media_type": Kind(415, _CALLER, "The content type must be application/json."),
    "misdirected_request": Kind(421, _CALLER, "This server does not answer for that host."),
    "invalid_request": Kind(422, _CALLER, "The request is not valid."),
    "idempotency_key_reused": Kind(
        422, _CALLER, "This Idempotency-Key was used for a different request."
    ),
    "invalid_image": Kind(422, _CALLER, "The image cannot be read."),
    "invalid_base64_image": Kind(422, _CALLER, "The image is not valid base64."),
    "invalid_image_url": Kind(422, _CALLER, "The image URL is not valid or not allowed."),
    "image_too_large": Kind(422, _CALLER, "The image is too large."),
    "image_too_small": Kind(422, _CALLER, "The image is too small."),
    "unsupported_image_media_type": Kind(
        422, _CALLER, "The image format must be PNG, JPEG, WebP or GIF."
    ),
    "failed_to_download_image": Kind(422, _CALLER, "The image could not be downloaded."),
    "rate_limit_exceeded": Kind(429, _LIMIT, "The queue is full; try again later."),
    "internal_error": Kind(500, _SERVER, "The server failed; the request id is in its log."),
    "generation_failed": Kind(500, _SERVER, "The picture could not be generated."),
    "nan_detected": Kind(500, _SERVER, "The model answered with numbers that are none."),
    "out_of_memory": Kind(500, _SERVER, "The picture does not fit into memory."),
    "not_ready": Kind(503, _BUSY, "The model is not ready; try again later."),
    "draining": Kind(503, _BUSY, "The server is shutting down; try another one."),
    "deadline_exceeded": Kind(504, _BUSY, "The picture was not ready in time."),
}

GATEWAY: Final[Mapping[str, Kind]] = {
    "invalid_token": Kind(401, _AUTH, "A valid token is required: Authorization: Bearer flp_…"),
    "team_forbidden": Kind(403, _PERMISSION, "The token's user is not in this team."),
    "owner_required": Kind(403, _PERMISSION, "Only an owner of the team may do this."),
    "endpoint_not_found": Kind(404, _MISSING, "There is no such endpoint."),
    "project_not_found": Kind(404, _MISSING, "There is no such project."),
    "token_not_found": Kind(404, _MISSING, "There is no such token."),
    "team_not_found": Kind(404, _MISSING, "There is no such team."),
    "member_not_found": Kind(404, _MISSING, "There is no such member."),
    "result_not_found": Kind(404, _MISSING, "There is no such picture."),
    "invalid_link": Kind(403, _PERMISSION, "The link is not genuine."),
    "link_expired": Kind(410, _PERMISSION, "The link has expired."),
    "endpoint_terminated": Kind(409, _CALLER, "The endpoint is terminated."),
    "name_taken": Kind(409, _CALLER, "The name is taken."),
    "quota_requests_per_minute": Kind(429, _LIMIT, "The team's requests per minute are spent."),
    "quota_images_per_day": Kind(429, _LIMIT, "The team's images of today are spent."),
    "quota_concurrency": Kind(429, _LIMIT, "The team has too many requests in flight."),
    "quota_queue_share": Kind(429, _LIMIT, "The team's share of the queue is full."),
    "bad_replica_answer": Kind(502, _SERVER, "The endpoint's model gave no usable answer."),
    "endpoint_failed": Kind(503, _BUSY, "The endpoint's model could not be started."),
    "endpoint_not_ready": Kind(503, _BUSY, "The endpoint is not ready yet; try again later."),
    "storage_unavailable": Kind(503, _BUSY, "The picture could not be stored; try again."),
    "database_unavailable": Kind(503, _BUSY, "The service is briefly unavailable."),
}
"""What can end a request at the gateway and nowhere else."""

KINDS: Final[Mapping[str, Kind]] = {**COMMON, **GATEWAY}


class ApiError(Exception):
    """Ends a request with an error answer.

    Args:
        code: a key of `KINDS`; it decides the status.
        message: replaces the code's text.
        param: the request field at fault.
        detail: one entry for each field at fault; made from `param` when empty.
        retry_after: seconds after which the caller may try again.
    """

    def __init__(
        self,
        code: str,
        message: str | None = None,
        *,
        param: str | None = None,
        detail: Sequence[ErrorLocation] = (),
        retry_after: int | None = None,
    ) -> None:
        self.code, self.param = code, param
        self.message = message or KINDS[code].message
        self.status = KINDS[code].status
        self.detail = list(detail)
        if param and not detail:
            self.detail = [ErrorLocation(loc=["body", param], msg=self.message, type=code)]
        self.retry_after = retry_after
        super().__init__(self.message)

    def body(self, request_id: str | None) -> ErrorBody:
        """The error as every client of the API family reads it."""
        info = ErrorInfo(
            message=self.message, type=KINDS[self.code].type, param=self.param, code=self.code
        )
        return ErrorBody(
            message=self.message, error=info, detail=self.detail, request_id=request_id
        )

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers that belong to the error."""
        headers = {}
        if self.retry_after is not None:
            headers["retry-after"] = str(self.retry_after)
        if self.status == 401:
            headers["www-authenticate"] = "Bearer"
        return headers


class ClientGone(Exception):  # noqa: N818  # nothing went wrong on our side
    """The client closed the connection: there is nobody to answer."""


_TEXTS = {
    "missing": "This field is required.",
    "string_type": "Must be a string.",
    "int_type": "Must be an integer.",
    "int_from_float": "Must be an integer.",
    "float_type": "Must be a number.",
    "bool_type": "Must be true or false.",
    "list_type": "Must be a list.",
    "finite_number": "Must be a finite number.",
    "model_type": "Must be an object.",
    "model_attributes_type": "Must be an object.",
    "dict_type": "Must be an object.",
}


def invalid(error: ValidationError) -> ApiError:
    """The 422 for a body of the wrong shape; names every field at fault (the first 20)."""
    found = error.errors(include_url=False, include_input=False)[:20]
    detail = [
        ErrorLocation(loc=["body", *at["loc"]], msg=_text(at), type=at["type"]) for at in found
    ]
    first = detail[0]
    where = ".".join(str(part) for part in first.loc[1:])
    param = str(first.loc[1]) if where else None
    message = f"{where}: {first.msg}" if where else first.msg
    return ApiError("invalid_request", message, param=param, detail=detail)


def _text(at: ErrorDetails) -> str:
    if at["type"] == "literal_error":
        return f"Must be {at['ctx']['expected']}."
    return _TEXTS.get(at["type"], "This value is not valid.")
