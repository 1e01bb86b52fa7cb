"""The answers of the image operations: the wire's models, and what one can do with a picture."""

from __future__ import annotations

from functools import cached_property
from html import escape
from typing import Any, ClassVar

import friendli_wire as wire
import httpx2

from friendli.picture import Picture, shortened

_DOWNLOAD_SECONDS = 60.0
"""To connect, and between bytes."""


class _Shown(Picture):
    """Keeps megabytes of base64 out of `print(res)`."""

    _encoded_field: ClassVar[str] = "image"

    def _base64(self) -> bytes:
        encoded: bytes = getattr(self, self._encoded_field)
        return encoded

    def __repr_args__(self) -> Any:
        for name, value in super().__repr_args__():  # type: ignore[misc]  # of the pydantic model
            if name == self._encoded_field:
                yield name, _Verbatim(shortened(value))
            elif value is not None:
                yield name, value


class _Verbatim(str):
    """A text that is its own repr."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


class ContainerImageGenerateSuccess(_Shown, wire.ImageGenerationContainerResult):
    """The picture of a container: `image` is base64, `content` the picture's bytes."""


class URLImageItem(Picture, wire.URLImageItem):
    """A picture of an endpoint that waits at `url`; what needs its bytes downloads it once."""

    @cached_property
    def content(self) -> bytes:
        """The picture's bytes, downloaded on first use."""
        return self.download()

    def download(self) -> bytes:
        """Fetch the picture. No token is sent: the address is its own key.

        Raises:
            httpx2.HTTPError: it could not be fetched, for instance because it expired.
        """
        return _fetched(httpx2.get(self.url, follow_redirects=True, timeout=_DOWNLOAD_SECONDS))

    async def download_async(self) -> bytes:
        """Fetch the picture without blocking the event loop; as `download`."""
        async with httpx2.AsyncClient(follow_redirects=True, timeout=_DOWNLOAD_SECONDS) as client:
            return _fetched(await client.get(self.url))

    def _repr_html_(self) -> str | None:
        """In a notebook the reader's browser fetches the picture: showing opens no connection."""
        return None if self._is_here else f'<img src="{escape(self.url)}">'

    def _repr_png_(self) -> bytes | None:
        return super()._repr_png_() if self._is_here else None

    def _repr_jpeg_(self) -> bytes | None:
        return super()._repr_jpeg_() if self._is_here else None

    @property
    def _is_here(self) -> bool:
        """Whether the picture was downloaded."""
        return "content" in vars(self)


def _fetched(response: httpx2.Response) -> bytes:
    return response.raise_for_status().content


class B64ImageItem(_Shown, wire.B64ImageItem):
    """A picture of an endpoint, in the answer itself."""

    _encoded_field: ClassVar[str] = "b64_json"


class DedicatedImageGenerateSuccess(wire.DedicatedImageGenerateSuccess):
    """The pictures of an endpoint; items are all of one kind."""

    data: list[URLImageItem] | list[B64ImageItem]  # type: ignore[assignment]  # narrower items


class PreviewEvent(_Shown, wire.PreviewEvent):
    """A rough picture of a job under way."""


class FinishedEvent(ContainerImageGenerateSuccess, wire.FinishedEvent):
    """The last event of a stream: the picture."""


class DedicatedFinishedEvent(DedicatedImageGenerateSuccess, wire.DedicatedFinishedEvent):
    """The last event of an endpoint's stream: the answer."""

    data: list[URLImageItem] | list[B64ImageItem]  # type: ignore[assignment]  # narrower items


Event = wire.QueuedEvent | wire.ProgressEvent | PreviewEvent | FinishedEvent
"""What a container's stream yields. A failure is not an event but raised."""
DedicatedEvent = wire.QueuedEvent | wire.ProgressEvent | PreviewEvent | DedicatedFinishedEvent
"""What an endpoint's stream yields."""

ON_THE_WAY: dict[str, type[wire.QueuedEvent | wire.ProgressEvent | PreviewEvent]] = {
    "queued": wire.QueuedEvent,
    "progress": wire.ProgressEvent,
    "preview": PreviewEvent,
}
