"""One body for two dialects: the wire's fields, OpenAI's beside them, and whose answer is due.

`POST /v1/images/generations` is Friendli's path and OpenAI's at once, and openai-python sends
bodies that a Friendli client could have sent too; then the answer has both shapes.
Knows shapes only; ranges are judged in `params.py`.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Literal

from friendli_wire import ContainerImageEditBody, ContainerImageGenerationBody
from pydantic import BaseModel

Form = Literal["friendli", "openai", "both"]
Events = Literal["friendli", "openai"]
ResponseFormat = Literal["raw", "jpeg", "b64_json", "url", "base64"]
_OPENAI_ONLY = {"n", "size", "stream", "partial_images", "output_format", "output_compression"}
IGNORED = frozenset(
    [
        "quality",
        "style",
        "user",
        "moderation",
        "background",
        "safety_identifier",
        "input_fidelity",
        "complexity",
    ]
)
"""Accepted without effect, and named in the answer's `x-ignored-parameters`."""


_NAME = re.compile(r"\w{1,40}", re.ASCII)


class OpenAIFields(BaseModel):
    """What OpenAI's clients may send besides; each may be null."""

    n: int | None = None
    size: str | None = None
    stream: bool | None = None
    partial_images: int | None = None
    output_format: Literal["png", "jpeg", "webp"] | None = None
    output_compression: int | None = None
    response_format: ResponseFormat | None = "jpeg"
    guidance_scale: float | None = 0  # null is the model's own, in either dialect
    preview_every: int | None = None  # ours: steps between previews of an event stream

    def events(self, accept: str) -> Events | None:
        """Whose events the answer streams; ours need their Accept header and none of OpenAI's."""
        if not self.stream:
            return None
        ours = "text/event-stream" in accept and self.partial_images is None
        return "friendli" if ours and self.response_format in (None, "raw", "jpeg") else "openai"

    def form(self, given: Collection[str], accept: str) -> Form:
        """Whose shape the answer takes to a body with the keys `given`."""
        if events := self.events(accept):
            return events
        asked = self.response_format if "response_format" in given else None
        if asked in ("raw", "jpeg"):
            return "friendli"
        return "openai" if asked or (_OPENAI_ONLY | IGNORED) & set(given) else "both"

    def ignored(self, given: Collection[str]) -> list[str]:
        """The keys in `given` that have no effect, if they can stand in a header."""
        unknown = set(given) - type(self).model_fields.keys()
        return sorted(filter(_NAME.fullmatch, unknown))[:20]


class GenerationBody(OpenAIFields, ContainerImageGenerationBody):  # type: ignore[misc]
    """Body of `/v1/images/generations` in either dialect."""


class EditBody(OpenAIFields, ContainerImageEditBody):  # type: ignore[misc]
    """Body of `/v1/images/edits` in either dialect."""
