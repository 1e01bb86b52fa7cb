"""The public bodies with OpenAI's fields beside them, so that its clients work at the same paths.

Knows shapes only: what a value may be is the container's to judge.
"""

from __future__ import annotations

from typing import Final, Literal

from friendli_wire import DedicatedImageEditBody, DedicatedImageGenerationBody
from friendli_wire.dedicated import DedicatedResponseFormat
from pydantic import BaseModel

from friendli_server.errors import ApiError

Operation = Literal["generations", "edits"]
Dialect = Literal["friendli", "openai"]
PictureFormat = Literal["png", "jpeg"]
MOST_PICTURES: Final = 10
MOST_PARTIAL: Final = 3


class OpenAIFields(BaseModel):
    """What OpenAI's clients may send besides; each may be null."""

    n: int | None = None
    size: str | None = None
    stream: bool | None = None
    partial_images: int | None = None
    output_format: PictureFormat | None = None
    output_compression: int | None = None
    response_format: DedicatedResponseFormat | Literal["b64_json"] | None = "url"
    preview_every: int | None = None  # ours: steps between previews of an event stream

    @property
    def count(self) -> int:
        """How many pictures are asked for.

        Raises:
            ApiError: 422, out of range or more than a stream holds.
        """
        count = 1 if self.n is None else self.n
        if not 1 <= count <= MOST_PICTURES:
            raise refuse("n", f"Must be between 1 and {MOST_PICTURES}.")
        if self.stream and count > 1:
            raise refuse("n", "A stream holds one picture.")
        return count

    @property
    def wanted(self) -> DedicatedResponseFormat:
        """The form of the pictures in the answer; OpenAI's `b64_json` is a file in the answer."""
        if self.response_format == "b64_json":
            return self.output_format or "png"
        return self.response_format or "url"

    def dialect(self, accept: str) -> Dialect:
        """Whose events a stream holds; ours need their Accept header and none of OpenAI's keys."""
        ours = "text/event-stream" in accept and self.partial_images is None
        return "friendli" if ours else "openai"


class GenerationBody(OpenAIFields, DedicatedImageGenerationBody):  # type: ignore[misc]
    """Body of `/dedicated/v1/images/generations` in either dialect."""


class EditBody(OpenAIFields, DedicatedImageEditBody):  # type: ignore[misc]
    """Body of `/dedicated/v1/images/edits` in either dialect."""


Body = GenerationBody | EditBody
BODIES: Final[dict[Operation, type[Body]]] = {"generations": GenerationBody, "edits": EditBody}


def as_openai_stream(body: Body) -> Body:
    """What OpenAI's stream asks of a container: the picture in the answer, and few previews.

    Raises:
        ApiError: 422, more partial images than those clients may ask for.
    """
    partial = body.partial_images or 0
    if not 0 <= partial <= MOST_PARTIAL:
        raise refuse("partial_images", f"Must be between 0 and {MOST_PARTIAL}.")
    every = max(1, body.num_inference_steps // (partial + 1)) if partial else 0
    wanted = body.wanted if body.wanted in {"png", "jpeg"} else "b64_json"
    return body.model_copy(update={"preview_every": every, "response_format": wanted})


def refuse(param: str, message: str) -> ApiError:
    """The 422 that names `param`."""
    return ApiError("invalid_request", f"{param}: {message}", param=param)
