"""Traps of stock pipelines that cost time once, each with a test of its own.

The others are held by the equality matrix: ambient randomness (SD3 ControlNet), a list of one block
that looks like one row (Qwen ControlNet), solver history, per-row lists (Z-Image).
"""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from engine import tiny, zoo
from engine.test_families import picture
from engine.weaving import joining_one_by_one, request
from friendli_engine.engine import Engine
from friendli_engine.run import view_of


def test_one_step_of_qwen_is_a_number_although_stock_divides_by_zero() -> None:
    model = zoo.TEXT_TO_PICTURE["qwen-image"](torch.float32)
    one = request("one", steps=1)
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")
        stock = model.pipelines["generate"](**model.arguments_for(one)).images[0]
    assert not np.isfinite(stock).all(), "stock is mended: drop the special case"
    with Engine(model) as engine:
        assert isinstance(joining_one_by_one(engine, [one])["one"], bytes)
    assert model.pipelines["generate"].scheduler.config.shift_terminal, "only the view is changed"


@pytest.mark.parametrize("images", [(), (picture(1, 400, 300),)], ids=["generate", "edit"])
def test_kontext_keeps_to_the_native_size_instead_of_a_megapixel(images: tuple[object]) -> None:
    model = zoo.EDITING["flux-kontext"](torch.float32)
    asked = request("small", images=images)
    width, height = model.size_of(asked)
    with Engine(model) as engine:
        got = joining_one_by_one(engine, [asked])["small"]
    assert len(got) == width * height * 3 <= 32 * 32 * 3


def test_a_given_picture_never_decides_the_area() -> None:
    model = zoo.EDITING["instruct-pix2pix"](torch.float32)
    for width, height in ((4000, 10), (10, 4000), (900, 901)):
        size = model.size_of(request("r", images=(picture(1, width, height),)))
        assert size[0] * size[1] <= 32 * 32
        assert min(size) >= model.info.multiple


def test_guidance_zero_is_none_for_cfg_and_the_default_for_embedded_guidance() -> None:
    embedded, free = tiny.model(tiny.flux()), zoo.TEXT_TO_PICTURE["sd3"](torch.float32)
    for guidance, expected in ((None, 3.5), (0.0, 3.5), (2.0, 2.0)):
        arguments = embedded.arguments_for(request("r", guidance=guidance))
        assert arguments["guidance_scale"] == expected
    for guidance, expected in ((None, 7.0), (0.0, 0.0), (2.0, 2.0)):
        assert free.arguments_for(request("r", guidance=guidance))["guidance_scale"] == expected


def test_a_view_shares_weights_but_neither_solver_nor_hooks() -> None:
    pipeline = tiny.flux()
    before = dict(pipeline.config)
    view = view_of(pipeline, torch.device("cpu"))
    assert view.transformer is pipeline.transformer
    assert view.scheduler is not pipeline.scheduler
    assert view._execution_device == torch.device("cpu")
    pipeline.transformer._hf_hook = hook = object()
    view.maybe_free_model_hooks()
    assert pipeline.transformer._hf_hook is hook
    assert dict(pipeline.config) == before
