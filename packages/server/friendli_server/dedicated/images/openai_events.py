"""A job's events by OpenAI's names: partial images, then the completed one.

Sends nothing that those clients do not know, for strict ones parse every event.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any, Final

from friendli_wire import B64ImageItem, DedicatedImageGenerateSuccess, PreviewEvent
from pydantic import TypeAdapter

from friendli_server import sse
from friendli_server.dedicated.images.bodies import Operation

_VERBS: Final[dict[Operation, str]] = {
    "generations": "image_generation",
    "edits": "image_edit",
}
_NO_USAGE: Final = {
    "input_tokens": 0,
    "output_tokens": 0,
    "total_tokens": 0,
    "input_tokens_details": {"image_tokens": 0, "text_tokens": 0},
}
_JSON: Final = TypeAdapter(dict[str, Any])


class OpenAIEvents:
    """One stream; `partial_images` bounds the pictures on the way."""

    def __init__(self, operation: Operation, *, partial_images: int) -> None:
        self._verb, self._left, self._index = _VERBS[operation], partial_images, 0

    def told(self, name: str, data: bytes) -> Iterable[bytes]:
        """A preview as a partial image; anything else is nothing to those clients."""
        if name != PreviewEvent.event or self._index == self._left:
            return []
        preview = PreviewEvent.model_validate_json(data)
        self._index += 1
        about = {
            "output_format": "jpeg",
            "size": f"{preview.width}x{preview.height}",
            "partial_image_index": self._index - 1,
        }
        return [self._frame("partial_image", preview.image, about)]

    def finished(self, answer: DedicatedImageGenerateSuccess) -> bytes:
        """The picture, which is in the answer itself."""
        [item] = answer.data
        if not isinstance(item, B64ImageItem):
            raise TypeError("these clients take pictures in the stream only")
        about = {
            "output_format": item.response_format,
            "size": f"{item.width}x{item.height}",
            "usage": _NO_USAGE,
        }
        return self._frame("completed", item.b64_json, about)

    def _frame(self, name: str, encoded: bytes, about: dict[str, Any]) -> bytes:
        event = f"{self._verb}.{name}"
        fields = {
            "type": event,
            "b64_json": encoded,
            "created_at": int(time.time()),
            "quality": "auto",
            "background": "opaque",
            **about,
        }
        return sse.frame(event, _JSON.dump_json(fields))
