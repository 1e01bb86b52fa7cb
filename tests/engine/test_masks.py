"""Painting into masks: the same bytes as the plain pipeline, and nothing but what is covered."""

from __future__ import annotations

import diffusers
import pytest
import torch
from engine import tiny, zoo
from engine.test_families import picture, possible
from engine.weaving import assert_equal_to_plain, mixed, request, woven
from friendli_engine.engine import Engine
from friendli_engine.errors import EngineError
from friendli_engine.model import Model
from friendli_engine.request import ImageRequest, Pixels

pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning:diffusers"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:diffusers"),
    pytest.mark.requirement("S4.mask"),
]
# Klein refuses pictures below 64 pixels
LARGER = {"wishes": {"width": 64, "height": 64, "free_aspect": False}}
PAINTING: zoo.Zoo = {
    "flux": zoo.TEXT_TO_PICTURE["flux"],
    "flux-kontext": lambda t: tiny.model(tiny.flux(diffusers.FluxKontextPipeline), dtype=t),
    "flux2-klein": lambda t: tiny.spoken(zoo.klein(), zoo.pair, dtype=t, **LARGER),
    "sdxl": zoo.TEXT_TO_PICTURE["sdxl"],
    "sd15": zoo.TEXT_TO_PICTURE["sd15"],
    "qwen-image": zoo.TEXT_TO_PICTURE["qwen-image"],
    "z-image": zoo.TEXT_TO_PICTURE["z-image"],
}


def mask(covered: float) -> Pixels:
    """White in that part of its width, from the right."""
    left = round(32 * (1 - covered))
    return Pixels(32, 8, (bytes(3 * left) + b"\xff" * 3 * (32 - left)) * 8)


def painted(count: int) -> list[ImageRequest]:
    """Each into a picture and a mask of its own."""
    return [
        one
        for i in range(count)
        for one in mixed(i + 1, images=(picture(i),), mask=mask((i + 1) / 4))[i:]
    ]


@pytest.mark.parametrize("family", ["flux-kontext", "sd15"])
def test_painting_beside_generating(family: str) -> None:
    assert_equal_to_plain(PAINTING[family](torch.float32), painted(2) + mixed(6)[4:])


def test_a_vae_that_its_pipeline_casts_for_a_while_is_met_by_nobody_in_between() -> None:
    """Stable Diffusion XL's is, to read a picture, in bfloat16 too."""
    assert_equal_to_plain(PAINTING["sdxl"](torch.bfloat16), painted(4))


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32], ids=["bf16", "fp32"])
@pytest.mark.parametrize("family", PAINTING)
def test_painting_beside_generating_whatever_the_family(family: str, dtype: torch.dtype) -> None:
    asked = painted(4) + mixed(6)[4:]
    assert_equal_to_plain(PAINTING[family](dtype), possible(family, asked))


@pytest.fixture(scope="module")
def kontext() -> Model:
    return PAINTING["flux-kontext"](torch.float32)


def test_what_is_left_stays_and_what_is_covered_depends_on_the_seed(kontext: Model) -> None:
    def one(covered: float, seed: int) -> ImageRequest:
        name = f"{covered} {seed}"
        return request(name, images=(picture(1),), mask=mask(covered), seed=seed)

    asked = [one(covered, seed) for covered in (0, 0.5, 1) for seed in (1, 2)]
    got = woven(kontext, asked)
    assert got["0 1"] == got["0 2"]
    assert len(set(got.values())) == 5


@pytest.mark.parametrize(
    ("model", "asked", "param"),
    [
        pytest.param("kontext", {"images": (), "mask": mask(1)}, "mask", id="of nothing"),
        pytest.param(
            "kontext", {"images": (picture(1),) * 2, "mask": mask(1)}, "mask", id="of two"
        ),
        pytest.param(
            "kontext", {"images": (picture(1),), "mask": Pixels(2, 2, b"")}, "mask", id="damaged"
        ),
        pytest.param("chroma", {"images": (picture(1),), "mask": mask(1)}, "mask", id="for nobody"),
    ],
)
def test_a_mask_that_cannot_be_is_refused_at_submit(
    kontext: Model, model: str, asked: dict[str, object], param: str
) -> None:
    served = kontext if model == "kontext" else zoo.TEXT_TO_PICTURE[model](torch.float32)
    with Engine(served) as engine:
        with pytest.raises(EngineError) as refusal:
            engine.submit(request("bad", **asked))
        assert refusal.value.param == param
        assert not engine.busy
