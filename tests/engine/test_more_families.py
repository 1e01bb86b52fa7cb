"""Families beside those of `test_families`, and what the records say of each."""

from __future__ import annotations

import inspect
import logging
from typing import Any

import diffusers
import pytest
import torch
from diffusers.pipelines.qwenimage import pipeline_qwenimage_edit as edit_module
from diffusers.pipelines.qwenimage import pipeline_qwenimage_edit_plus as plus_module
from engine import tiny, zoo, zoo_more
from engine.test_families import picture
from engine.weaving import assert_equal_to_plain, mixed, plainly, request, woven
from friendli_engine.engine import Engine
from friendli_engine.errors import EngineError, ModelUnsupportedError
from friendli_engine.families import FAMILIES, family_of
from friendli_engine.loading import assemble
from friendli_engine.model import Model
from friendli_engine.request import ImageRequest
from msgspec.structs import replace

pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning:diffusers"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:diffusers"),
]
DTYPES = pytest.mark.parametrize(
    "dtype",
    [pytest.param(torch.bfloat16, marks=pytest.mark.slow), torch.float32],
    ids=["bf16", "fp32"],
)


def edits(count: int, *, pictures: int = 1) -> list[ImageRequest]:
    """Requests for more than one step, each with its own pictures to edit."""
    return [
        one
        for i in range(count + 2)
        for one in mixed(i + 1, images=tuple(picture(10 * i + j) for j in range(pictures)))[i:]
        if one.steps > 1
    ][:count]


@DTYPES
def test_flux2_dev_edits_beside_generations(dtype: torch.dtype) -> None:
    beside = [replace(one, id=f"plain {one.id}") for one in mixed(4) if one.steps in (3, 4)]
    asked = [*edits(2), *edits(3, pictures=2)[2:], *beside]
    assert_equal_to_plain(zoo_more.flux2(dtype), asked)


@pytest.fixture
def small_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Qwen's edit pipelines encode at a megapixel; here at 32 by 32 pixels."""
    real = edit_module.calculate_dimensions
    monkeypatch.setattr(edit_module, "calculate_dimensions", lambda _, ratio: real(32 * 32, ratio))
    monkeypatch.setattr(plus_module, "VAE_IMAGE_SIZE", 32 * 32)
    monkeypatch.setattr(plus_module, "CONDITION_IMAGE_SIZE", 32 * 32)


@DTYPES
@pytest.mark.usefixtures("small_pictures")
def test_qwen_edit(dtype: torch.dtype) -> None:
    assert_equal_to_plain(zoo_more.qwen_edit(diffusers.QwenImageEditPipeline, dtype), edits(3))


@DTYPES
@pytest.mark.usefixtures("small_pictures")
def test_qwen_edit_plus_with_one_and_two_pictures_and_doubled_timesteps(dtype: torch.dtype) -> None:
    model = zoo_more.qwen_edit(diffusers.QwenImageEditPlusPipeline, dtype, zero_cond_t=True)
    assert_equal_to_plain(model, [*edits(2), *edits(4, pictures=2)[2:]])


def controlled(count: int) -> list[ImageRequest]:
    """With none, one and two control images in turn."""
    return [
        one
        for i in range(count)
        for images in [tuple(picture(10 * i + j) for j in range(i % 3))]
        for one in mixed(
            i + 1, control_images=images, control_weights=tuple(i % 4 / 3 for _ in images)
        )[i:]
    ]


@DTYPES
@pytest.mark.parametrize("make", [zoo_more.sdxl_controlled, zoo_more.flux_union])
def test_none_one_and_two_control_images_for_two_nets(make: object, dtype: torch.dtype) -> None:
    assert_equal_to_plain(make(dtype), controlled(5))  # type: ignore[operator]


def test_fewer_control_images_than_nets_go_to_the_first_ones() -> None:
    images = (picture(1),)
    one = request("one", control_images=images)
    first = tiny.model(zoo.sd15(), controlnets={"a": zoo.sd15_controlnet(30)})
    both = tiny.model(zoo.sd15(), controlnets=zoo.two(zoo.sd15_controlnet))
    assert plainly(first, one) == plainly(both, one)


def test_a_union_net_follows_what_it_is_called() -> None:
    model = zoo_more.flux_union(torch.float32)
    assert model.control_modes == (0, 2)
    images = (picture(1),)
    canny = tiny.model(tiny.flux(), controlnets={"canny": zoo_more.union_net()})
    depth = tiny.model(tiny.flux(), controlnets={"depth": zoo_more.union_net()})
    one = request("one", control_images=images)
    assert plainly(canny, one) == plainly(model, one) != plainly(depth, one)
    with pytest.raises(ModelUnsupportedError, match="canny, tile, depth"):
        tiny.model(tiny.flux(), controlnets={"whatever": zoo_more.union_net()})


def test_distilled_relatives_have_defaults_of_their_own() -> None:
    def defaults(pipeline: object) -> tuple[int, float, int]:
        info = assemble(pipeline).info
        return info.steps, info.guidance, info.width

    assert defaults(tiny.flux()) == (28, 3.5, 1024), "dev and Krea"
    assert defaults(tiny.flux(guidance_embeds=False)) == (4, 0.0, 1024), "schnell"
    turbo = zoo.sdxl()
    assert defaults(turbo) == (30, 5.0, 1024)
    turbo.unet.register_to_config(sample_size=64)
    assert defaults(turbo) == (1, 0.0, 512)
    assert defaults(zoo.klein()) == (50, 4.0, 1024), "the base model of klein"


def test_a_pipeline_without_a_record_runs_with_inferred_defaults_and_says_so_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Novel(diffusers.StableDiffusionPipeline):  # type: ignore[misc]
        """Of a family that nobody knows."""

    with caplog.at_level(logging.WARNING, logger="friendli_engine.loading"):
        model = tiny.model(zoo.sd15(Novel))
        got = woven(model, mixed(3))
    said = [record.getMessage() for record in caplog.records if "Novel" in record.getMessage()]
    assert said == ["No record for Novel: running with inferred defaults."]
    assert got == {one.id: plainly(model, one) for one in mixed(3)}
    assert assemble(zoo.sd15(Novel)).info.steps == 50


def test_every_record_names_pipelines_that_exist_and_arguments_that_they_take() -> None:
    for family in FAMILIES:
        for name in (family.generate, family.control, family.edit):
            if name is None:
                continue
            accepted = inspect.signature(getattr(diffusers, name).__call__).parameters
            assert family.guidance in accepted, (family.name, name)
            assert {"num_inference_steps", "width", "height"} - {*accepted} <= (
                {"width", "height"} if family.name == "instruct-pix2pix" else set()
            )
            if name == family.control:
                assert {family.control_image, "controlnet_conditioning_scale"} <= {*accepted}
        assert family_of(family.generate or family.edit or "") is family


BAD: dict[str, tuple[str, dict[str, Any], str]] = {
    "control image without a net": ("flux", {"control_images": (picture(1),)}, "control_images"),
    "edit of what cannot edit": ("flux", {"images": (picture(1),)}, "images"),
    "nothing to edit": ("pix2pix", {}, "images"),
    "more pictures than it takes": ("pix2pix", {"images": (picture(1), picture(2))}, "images"),
    "more images than nets": ("union", {"control_images": (picture(1),) * 3}, "control_images"),
    "weights for nobody": (
        "union",
        {"control_images": (picture(1),), "control_weights": (0.5, 0.5)},
        "control_weights",
    ),
    "weight that is no weight": (
        "union",
        {"control_images": (picture(1),), "control_weights": (float("nan"),)},
        "control_weights",
    ),
    "beyond the clamp": ("flux", {"width": 4096, "height": 4096}, "width"),
    "beyond the clamp by its height": ("flux", {"height": 1 << 20}, "height"),
    "no multiple": ("flux", {"width": 33}, "width"),
    "no steps": ("flux", {"steps": 0}, "steps"),
    "guidance that is no number": ("flux", {"guidance": float("inf")}, "guidance"),
    "unknown adapter": ("flux", {"adapter": "nobody"}, "adapter"),
}


@pytest.fixture(scope="module")
def models() -> dict[str, Model]:
    return {
        "flux": tiny.model(tiny.flux()),
        "union": zoo_more.flux_union(torch.float32),
        "pix2pix": zoo.EDITING["instruct-pix2pix"](torch.float32),
    }


@pytest.mark.requirement("engine.refusals")
@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_at_submit_and_never_reaches_a_forward(
    models: dict[str, Model], case: str
) -> None:
    name, asked, param = BAD[case]
    with Engine(models[name]) as engine:
        with pytest.raises(EngineError) as refusal:
            engine.submit(request("bad", **asked))
        assert refusal.value.param == param
        assert refusal.value.message
        assert not engine.busy
        assert engine.stats().forwards == 0
