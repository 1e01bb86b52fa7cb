"""Steps the tests share: run requests plainly, run them woven, compare bytes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from friendli_engine.engine import Engine
from friendli_engine.model import Model
from friendli_engine.request import Failed, Finished, ImageRequest
from friendli_engine.run import to_pixels

ANY_GAIN = -1e9  # share whenever rows stay equal, whether it pays or not

STEPS = (1, 4, 10, 3, 7, 2, 5, 6)
GUIDANCE = (3.5, 1.0, 7.5, 2.0, 5.0, 0.0, None, 3.0)
PROMPTS = ("a red car", "a blue house in the snow at night", "cat")


def request(name: str, **asked: object) -> ImageRequest:
    return ImageRequest(**{"id": name, "prompt": "a red car", "seed": 1, "steps": 3} | asked)  # type: ignore[arg-type]


def mixed(count: int = 8, **asked: object) -> list[ImageRequest]:
    """Requests that differ in prompt, seed, steps and guidance."""
    return [
        request(
            str(i),
            prompt=PROMPTS[i % 3],
            seed=100 + i,
            steps=STEPS[i % 8],
            guidance=GUIDANCE[i % 8],
            **asked,
        )
        for i in range(count)
    ]


def plainly(model: Model, asked: ImageRequest) -> bytes:
    """The bytes that the plain stock pipeline gives for one request alone."""
    torch.manual_seed(asked.seed)  # what a pipeline draws without a generator
    with torch.inference_mode():
        image = model.pipeline_for(asked)(**model.arguments_for(asked)).images[0]
    return to_pixels(image).data


def joining_one_by_one(engine: Engine, asked: Iterable[ImageRequest]) -> dict[str, bytes | str]:
    """Bytes by id, or the kind of failure, of requests of which one joins at every step."""
    ended: dict[str, bytes | str] = {}
    left = list(asked)
    while left or engine.busy:
        if left:
            engine.submit(left.pop(0))
        for event in engine.step():
            if isinstance(event, Finished):
                ended[event.id] = event.pixels.data
            elif isinstance(event, Failed):
                ended[event.id] = event.kind
    return ended


def woven(model: Model, asked: Sequence[ImageRequest], **options: object) -> dict[str, bytes | str]:
    """As `joining_one_by_one`, on an engine that shares forwards wherever rows stay equal."""
    with Engine(model, **{"gain": ANY_GAIN, "max_rows": 6} | options) as engine:  # type: ignore[arg-type]
        ended = joining_one_by_one(engine, asked)
        assert engine.stats().forwards < engine.stats().rows, "no forward was shared"
    return ended


def assert_equal_to_plain(model: Model, asked: Sequence[ImageRequest], **options: object) -> None:
    """Every woven picture has exactly the bytes of the plain pipeline."""
    expected = {one.id: plainly(model, one) for one in asked}
    got = woven(model, asked, **options)
    different = [name for name in expected if got.get(name) != expected[name]]
    assert not different, {name: got.get(name, "")[:20] for name in different}
