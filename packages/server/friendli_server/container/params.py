"""From a body to what the engine is asked: the only place that judges ranges and names.

Knows nothing about HTTP; JSON types were judged before (`body.shape`).
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Collection
from difflib import get_close_matches
from uuid import uuid4

from friendli_engine.request import ImageRequest, ModelInfo
from friendli_wire import ContainerImageGenerationBody

from friendli_server.errors import ApiError

STEPS = range(1, 51)
MAX_PROMPT = 10_000
MAX_GUIDANCE = 100.0
MAX_DRAWN_SEED = 2**53 - 1
"""Drawn seeds survive a JavaScript client; asked ones may use all 64 bits."""


def generation(
    body: ContainerImageGenerationBody, info: ModelInfo, *, aliases: Collection[str]
) -> ImageRequest:
    """The request to the engine.

    Raises:
        ApiError: 422 for a value out of range, 404 for an unknown model; `param` names the field.
    """
    if body.control_images or body.controlnet_weights:
        raise refuse("control_images", "This model has no ControlNet.")
    return ImageRequest(
        id=uuid4().hex,
        prompt=prompt(body.prompt),
        seed=seed(body.seed),
        steps=steps(body.num_inference_steps),
        guidance=guidance(body.guidance_scale),
        adapter=adapter(body.model, info, aliases=aliases),
    )


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


def guidance(scale: float) -> float:
    """0 .. 100."""
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
