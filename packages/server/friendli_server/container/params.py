"""From a body to what the engine is asked: the only place that judges ranges and names.

Knows nothing about HTTP; JSON types were judged before (`body.shape`).
"""

from __future__ import annotations

import math
import re
import secrets
from collections.abc import Collection
from difflib import get_close_matches
from uuid import uuid4

from friendli_engine.request import ImageRequest, ModelInfo, Pixels

from friendli_server import images
from friendli_server.container.superset import EditBody, GenerationBody
from friendli_server.errors import ApiError
from friendli_server.settings import ContainerSettings

STEPS = range(1, 51)
MAX_PROMPT = 10_000
MAX_GUIDANCE = 100.0
MAX_DRAWN_SEED = 2**53 - 1
"""Drawn seeds survive a JavaScript client; asked ones may use all 64 bits."""
MAX_PICTURES = 10
_OPENAI_SIZES = {
    "256x256", "512x512", "1024x1024", "1024x1536", "1536x1024", "1024x1792", "1792x1024",
}  # fmt: skip
"""Sizes that clients have in their code: made smaller for a model that cannot do them."""
_NO_MASK = (
    "This model edits whole pictures; say in the prompt which part to change and leave the "
    "mask out."
)


def request(
    body: GenerationBody | EditBody,
    info: ModelInfo,
    settings: ContainerSettings,
    *,
    given: Collection[str],
    openai: bool = False,
) -> ImageRequest:
    """The request to the engine, without the pictures that come with the body.

    Who speaks `openai`'s dialect and names no steps or guidance gets the model's own, and so does
    a guidance of null; the public contract's defaults, 20 and 0, hold for everybody else.

    Raises:
        ApiError: 422 for a value out of range, 404 for an unknown model; `param` names the field.
    """
    own_steps = openai and "num_inference_steps" not in given
    own_guidance = openai and "guidance_scale" not in given
    width, height = size(body.size, info) or settings.sides or (None, None)
    return ImageRequest(
        id=uuid4().hex,
        prompt=prompt(body.prompt),
        seed=seed(body.seed),
        steps=info.steps if own_steps else steps(body.num_inference_steps),
        guidance=None if own_guidance else guidance(body.guidance_scale),
        adapter=adapter(body.model, info, aliases=settings.alias),
        width=width,
        height=height,
    )


def controls(body: GenerationBody, info: ModelInfo) -> tuple[list[str], tuple[float, ...]]:
    """The control images' sources and their weights, one for each.

    The i-th conditions the i-th ControlNet. A model that edits and has no ControlNet takes them as
    pictures to work from, without weights.
    """
    sources = [given.image for given in body.control_images or ()]
    weights = tuple(body.controlnet_weights or ())
    if sources and not (info.controlnets or info.edits):
        raise refuse("control_images", "This model has no ControlNet and edits no pictures.")
    if weights and not info.controlnets:
        raise refuse("controlnet_weights", "This model has no ControlNet.")
    if len(sources) > (most := len(info.controlnets) or info.max_images):
        each = ", one for each ControlNet" if info.controlnets else ""
        raise refuse("control_images", f"Must be at most {most}{each}.")
    if weights and len(weights) != len(sources):
        raise refuse("controlnet_weights", "Must be as many as control_images.")
    if not all(0 <= weight <= 1 for weight in weights):
        raise refuse("controlnet_weights", "Each must be between 0 and 1.")
    return sources, weights


def edited(body: EditBody, info: ModelInfo) -> list[str]:
    """The sources of the pictures to edit; a mask belongs to exactly one."""
    if not (info.edits or body.mask):
        unless = " without a mask" if info.inpaints else ""
        raise refuse("image", f"This model edits no pictures{unless}.")
    images = body.image if isinstance(body.image, list) else [body.image]
    most = 1 if body.mask else info.max_images
    if not 1 <= len(images) <= most:
        beside = " beside a mask" if body.mask else ""
        several = f"1 to {most} pictures" if most > 1 else "one picture"
        raise refuse("image", f"This model takes {several}{beside}.")
    return [given.image for given in images]


def mask(body: EditBody, info: ModelInfo) -> list[str]:
    """The source of the mask, if there is one."""
    if body.mask is None:
        return []
    if not info.inpaints:
        raise refuse("mask", _NO_MASK)
    return [body.mask.image]


def require_same_size(picture: Pixels, mask: Pixels) -> None:
    """A mask of another size could mean that it is stretched, or that it belongs elsewhere."""
    if (mask.width, mask.height) != (picture.width, picture.height):
        size = f"{picture.width}x{picture.height}"
        raise refuse("mask", f"Must be as large as the picture, {size} pixels.")


def refuse(param: str, message: str) -> ApiError:
    """The 422 that names `param`."""
    return ApiError("invalid_request", f"{param}: {message}", param=param)


def prompt(text: str) -> str:
    """At most `MAX_PROMPT` characters, so that the tokeniser's time is bounded."""
    if len(text) > MAX_PROMPT:
        raise refuse("prompt", f"Must be at most {MAX_PROMPT} characters.")
    return text


def steps(count: int) -> int:
    """1 .. 50."""
    if count not in STEPS:
        raise refuse("num_inference_steps", f"Must be between {STEPS[0]} and {STEPS[-1]}.")
    return count


def guidance(scale: float | None) -> float | None:
    """0 .. 100; None is the model's own."""
    if scale is None:
        return None
    if not (math.isfinite(scale) and 0 <= scale <= MAX_GUIDANCE):
        raise refuse("guidance_scale", f"Must be between 0 and {MAX_GUIDANCE:.0f}.")
    return scale


def seed(given: int | None) -> int:
    """Any 64-bit integer, signed or unsigned; one is drawn for None."""
    if given is None:
        return secrets.randbelow(MAX_DRAWN_SEED + 1)
    if not -(2**63) <= given < 2**64:
        raise refuse("seed", "Must fit into 64 bits.")
    return given


def count(n: int | None) -> int:
    """1 .. 10 pictures."""
    if n is not None and not 1 <= n <= MAX_PICTURES:
        raise refuse("n", f"Must be between 1 and {MAX_PICTURES}.")
    return n or 1


def quality(compression: int | None) -> int:
    """OpenAI's compression, 0 .. 100, is the quality of the file."""
    if compression is not None and not 0 <= compression <= 100:
        raise refuse("output_compression", "Must be between 0 and 100.")
    return images.Encoding("jpeg").quality if compression is None else max(compression, 1)


def previews(partial_images: int | None) -> int:
    """0 .. 3 pictures on the way."""
    if partial_images is not None and not 0 <= partial_images <= 3:
        raise refuse("partial_images", "Must be between 0 and 3.")
    return partial_images or 0


def size(text: str | None, info: ModelInfo) -> tuple[int, int] | None:
    """Width and height; None is the default size."""
    if text in (None, "auto"):
        return None
    found = re.fullmatch(r"([1-9]\d{0,4})x([1-9]\d{0,4})", text)
    if not found:
        raise refuse("size", "Must be WIDTHxHEIGHT or auto.")
    width, height = int(found[1]), int(found[2])
    if text in _OPENAI_SIZES and info.max_pixels and width * height > info.max_pixels:
        return _fit(width, height, info)
    if width % info.multiple or height % info.multiple:
        raise refuse("size", f"Both sides must be multiples of {info.multiple}.")
    if info.max_pixels and width * height > info.max_pixels:
        raise refuse("size", f"The picture may have at most {info.max_pixels} pixels.")
    return width, height


def _fit(width: int, height: int, info: ModelInfo) -> tuple[int, int]:
    """The same shape at the model's native area."""
    scale = math.sqrt(info.width * info.height / (width * height))
    sides = [max(1, int(side * scale / info.multiple)) * info.multiple for side in (width, height)]
    return sides[0], sides[1]


def adapter(name: str | None, info: ModelInfo, *, aliases: Collection[str]) -> str | None:
    """The adapter that `name` routes to; None is the base model, which also has its own id."""
    if not name or name == info.id or name in aliases:
        return None
    if name in info.adapters:
        return name
    raise ApiError("model_not_found", _unknown(name, [info.id, *info.adapters]), param="model")


def _unknown(name: str, known: list[str]) -> str:
    near = get_close_matches(name[:100], known, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"model: There is no model with this name; there are {', '.join(known)}.{hint}"
