"""The one error body, readable by every client of the API family. Knows no status code.

`message` is what Friendli's clients show, `error` what OpenAI's do, `detail` is FastAPI's list of
fields at fault, `request_id` names the request in the server's log.
"""

from __future__ import annotations

from pydantic import Field

from friendli_wire.images import WireModel


class ErrorInfo(WireModel):
    """The error in OpenAI's form."""

    message: str
    type: str
    param: str | None = None
    code: str | None = None


class ErrorLocation(WireModel):
    """One fault: where (`("body", "num_inference_steps")`), what, and of which kind."""

    loc: list[str | int]
    msg: str
    type: str


class ErrorBody(WireModel):
    """Every answer with a 4xx or 5xx status, and the data of an `error` event."""

    message: str
    error: ErrorInfo
    detail: list[ErrorLocation] = Field(default_factory=list)
    request_id: str | None = None
