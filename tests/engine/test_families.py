"""The equality matrix: whatever the family and the company, the bytes of the plain pipeline.

Every test weaves requests of mixed steps, guidance (with and without classifier-free guidance) and
seeds, of which one joins at every step and each leaves when it is done.
"""

from __future__ import annotations

import pytest
import torch
from engine import tiny, zoo
from engine.weaving import assert_equal_to_plain, mixed
from friendli_engine.request import ImageRequest, Pixels

# diffusers' own deprecations, of which no user of the engine can get rid
pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning:diffusers"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:diffusers"),
]
DTYPES = pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32], ids=["bf16", "fp32"])


def picture(seed: int, width: int = 40, height: int = 24) -> Pixels:
    generator = torch.Generator().manual_seed(seed)
    values = torch.randint(0, 256, (width * height * 3,), generator=generator, dtype=torch.uint8)
    return Pixels(width, height, values.numpy().tobytes())


def possible(family: str, asked: list[ImageRequest]) -> list[ImageRequest]:
    """Without requests for one step if stock answers them with NaN."""
    return [one for one in asked if one.steps > 1 or not family.startswith("qwen")]


@DTYPES
@pytest.mark.parametrize("family", zoo.TEXT_TO_PICTURE)
def test_text_to_picture(family: str, dtype: torch.dtype) -> None:
    assert_equal_to_plain(zoo.TEXT_TO_PICTURE[family](dtype), possible(family, mixed(5)))


@pytest.mark.requirement("S4.control")
@DTYPES
@pytest.mark.parametrize("family", zoo.CONTROLLED)
def test_controlnets_with_a_weight_per_request(family: str, dtype: torch.dtype) -> None:
    model = zoo.CONTROLLED[family](dtype)
    nets = range(len(model.info.controlnets))

    def controlled(i: int) -> list[ImageRequest]:
        weights = tuple((i + net) % 4 / 3 for net in nets)
        images = tuple(picture(10 * i + net) for net in nets)
        return mixed(i + 1, control_images=images, control_weights=weights)[i:]

    plain = mixed(6)[5:]
    asked = [one for i in range(4) for one in controlled(i)] + plain
    assert_equal_to_plain(model, possible(family, asked))


@DTYPES
@pytest.mark.parametrize("family", zoo.EDITING)
def test_edits_beside_generations(family: str, dtype: torch.dtype) -> None:
    model = zoo.EDITING[family](dtype)
    edits = [one for i in range(4) for one in mixed(i + 1, images=(picture(i),))[i:]]
    plain = mixed(7)[4:] if model.info.generates else []
    several = picture(8), picture(9, 30, 50)
    if model.info.max_images > 1:
        edits += mixed(9, images=several)[7:]
        edits += mixed(10, images=several[::-1])[9:]
    assert_equal_to_plain(model, edits + plain)


@pytest.mark.parametrize("name", zoo.SCHEDULERS)
def test_every_solver_keeps_its_history_to_itself(name: str) -> None:
    model = tiny.model(zoo.sd15(scheduler=zoo.SCHEDULERS[name]()))
    asked = [one for one in mixed(7) if one.steps > 1]
    assert_equal_to_plain(model, asked)


@DTYPES
def test_mixed_sizes(dtype: torch.dtype) -> None:
    sizes = [(32, 32), (48, 32), (32, 48), (48, 32), (32, 32)]
    asked = [
        one
        for i, (width, height) in enumerate(sizes)
        for one in mixed(i + 1, width=width, height=height)[i:]
    ]
    assert_equal_to_plain(tiny.model(tiny.flux(), dtype=dtype), asked)
