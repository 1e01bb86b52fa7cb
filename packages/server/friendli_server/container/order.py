"""An order: what one HTTP request wants made, and in which form it wants to be answered.

Knows nothing about how orders are filled.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from friendli_engine.request import ImageRequest, Pixels
from msgspec.structs import replace

from friendli_server import images
from friendli_server.container import params
from friendli_server.container.superset import EditBody, Events, Form, GenerationBody

_PREVIEWS = 8
"""About so many previews in an event stream, unless the caller says how often."""


class Pictures(NamedTuple):
    """Decoded pictures for one request."""

    images: tuple[Pixels, ...] = ()
    control: tuple[Pixels, ...] = ()
    mask: tuple[Pixels, ...] = ()


GetPictures = Callable[[], Awaitable[Pictures]]


@dataclass(frozen=True)
class Order:
    """Requests to the engine and the form of the answer."""

    requests: tuple[ImageRequest, ...]
    encoding: images.Encoding
    form: Form = "friendli"
    links: bool = False
    events: Events | None = None
    verb: Literal["image_generation", "image_edit"] = "image_generation"
    partial_images: int = 0
    ignored: tuple[str, ...] = ()
    pictures: GetPictures | None = None

    async def prepare(self) -> Sequence[ImageRequest]:
        """The requests with the pictures that they work on.

        Raises:
            ApiError: a picture cannot be had or read.
        """
        if self.pictures is None:
            return self.requests
        pictures = await self.pictures()
        for mask in pictures.mask:
            params.require_same_size(pictures.images[0], mask)
        return [
            replace(
                request,
                images=pictures.images,
                control_images=pictures.control,
                mask=next(iter(pictures.mask), None),
            )
            for request in self.requests
        ]


def order(
    body: GenerationBody | EditBody,
    asked: ImageRequest,
    *,
    form: Form,
    given: Collection[str],
    pictures: GetPictures | None = None,
) -> Order:
    """The order for `asked`, made as often and answered as `body` says.

    Args:
        body: the parsed body.
        asked: the request to the engine, judged and complete.
        form: whose shape the answer takes.
        given: the keys that the body had.
        pictures: gets the pictures that the body names, if it names any.

    Raises:
        ApiError: 422 for a value out of range.
    """
    count = params.count(body.n)
    events: Events | None = None
    if body.stream:
        events = "friendli" if form == "friendli" else "openai"
    if form == "friendli" and count > 1:
        raise params.refuse("n", "An answer in this response_format holds one picture.")
    return Order(
        requests=_copies(_with_previews(asked, body, events), count),
        encoding=_encoding(body, form),
        form=form,
        links=body.response_format == "url",
        events=events,
        verb="image_edit" if isinstance(body, EditBody) else "image_generation",
        partial_images=params.previews(body.partial_images),
        ignored=tuple(body.ignored(given)),
        pictures=pictures,
    )


def _encoding(body: GenerationBody | EditBody, form: Form) -> images.Encoding:
    quality = params.quality(body.output_compression)
    if body.output_format:
        return images.Encoding(body.output_format, quality)
    if form == "openai" and not body.stream:
        return images.Encoding("png")
    return images.Encoding("raw" if body.response_format == "raw" else "jpeg", quality)


def _with_previews(
    asked: ImageRequest, body: GenerationBody | EditBody, events: Events | None
) -> ImageRequest:
    every, partial = body.preview_every, params.previews(body.partial_images)
    if every is not None and every not in range(params.STEPS.stop):
        raise params.refuse("preview_every", f"Must be between 0 and {params.STEPS[-1]}.")
    if events == "openai":
        every = asked.steps // (partial + 1) if partial else 0
    elif events == "friendli" and every is None:
        every = -(-asked.steps // _PREVIEWS)
    return replace(asked, preview_every=every or 0 if events else 0)


def _copies(asked: ImageRequest, count: int) -> tuple[ImageRequest, ...]:
    """Several pictures have consecutive seeds, so that each can be made again by itself."""
    return tuple(
        replace(
            asked, id=f"{asked.id}-{i}", seed=asked.seed + i - (asked.seed + i >= 2**64) * 2**64
        )
        for i in range(count)
    )
