"""What travels over HTTP in the Friendli image API: bodies, answers, events and errors.

Shapes only. The models fix names, JSON types and order; they know no ranges, fetch no URL and
decode no picture: what a value may be is the server's to judge (its 422), what it means the
engine's.

Bodies coerce like pydantic by default, which is what a Python client wants (`"10"` becomes 10).
A server must not coerce: it parses with `Body.model_validate_json(raw, strict=True)`, where `true`
or `"10"` is no integer, `"3.5"` is no number, an integer is a number, and unknown keys are ignored.
"""

from friendli_wire.container import (
    ContainerImageEditBody,
    ContainerImageGenerateSuccess,
    ContainerImageGenerationBody,
    ImageGenerationContainerResult,
)
from friendli_wire.dedicated import (
    B64ImageItem,
    DedicatedImageEditBody,
    DedicatedImageGenerateSuccess,
    DedicatedImageGenerationBody,
    URLImageItem,
)
from friendli_wire.errors import ErrorBody, ErrorInfo, ErrorLocation
from friendli_wire.events import (
    DedicatedFinishedEvent,
    ErrorEvent,
    Event,
    FinishedEvent,
    PreviewEvent,
    ProgressEvent,
    QueuedEvent,
)
from friendli_wire.images import ImageInput

__all__ = [
    "B64ImageItem",
    "ContainerImageEditBody",
    "ContainerImageGenerateSuccess",
    "ContainerImageGenerationBody",
    "DedicatedFinishedEvent",
    "DedicatedImageEditBody",
    "DedicatedImageGenerateSuccess",
    "DedicatedImageGenerationBody",
    "ErrorBody",
    "ErrorEvent",
    "ErrorInfo",
    "ErrorLocation",
    "Event",
    "FinishedEvent",
    "ImageGenerationContainerResult",
    "ImageInput",
    "PreviewEvent",
    "ProgressEvent",
    "QueuedEvent",
    "URLImageItem",
]
