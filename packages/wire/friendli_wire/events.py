r"""Server-sent events of a streamed generation. Framing is the server's and the client's.

Asked for by the body key `"stream": true` together with the header `Accept: text/event-stream`;
the event's name is the model's `event`, its data the model as JSON. Exactly one of `finished` and
`error` comes, and comes last::

    event: progress\ndata: {"step": 3, "steps": 10, "eta": 0.4}\n\n
"""

from __future__ import annotations

from typing import ClassVar

from friendli_wire.container import ImageGenerationContainerResult
from friendli_wire.dedicated import DedicatedImageGenerateSuccess
from friendli_wire.errors import ErrorBody
from friendli_wire.images import Base64, WireModel


class QueuedEvent(WireModel):
    """The job waits: `position` others are ahead, `eta` seconds are predicted until it starts."""

    event: ClassVar = "queued"
    position: int
    eta: float | None = None


class ProgressEvent(WireModel):
    """`step` of `steps` denoiser steps are done; `eta` seconds are predicted to remain."""

    event: ClassVar = "progress"
    step: int
    steps: int
    eta: float | None = None


class PreviewEvent(WireModel):
    """A rough picture after `step`: a base64 JPEG of `width` x `height` pixels."""

    event: ClassVar = "preview"
    step: int
    image: Base64
    width: int
    height: int


class FinishedEvent(ImageGenerationContainerResult):
    """The picture of a container; the same JSON as the plain answer."""

    event: ClassVar = "finished"


class DedicatedFinishedEvent(DedicatedImageGenerateSuccess):
    """The picture of an endpoint; the same JSON as the plain answer."""

    event: ClassVar = "finished"


class ErrorEvent(ErrorBody):
    """The job failed after the stream began; the same JSON as an error answer."""

    event: ClassVar = "error"


Event = (
    QueuedEvent | ProgressEvent | PreviewEvent | FinishedEvent | DedicatedFinishedEvent | ErrorEvent
)
