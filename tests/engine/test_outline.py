"""A ControlNet that follows edges gets outlines, whatever picture it is given."""

import numpy as np
import pytest
import torch
from diffusers import FluxKontextPipeline
from engine import tiny
from engine.zoo import flux_controlnet
from friendli_engine.loading import assemble
from friendli_engine.model import to_image
from friendli_engine.outline import outline, outlines
from friendli_engine.request import ImageRequest, Pixels
from PIL import Image


def _square(size: tuple[int, int] = (64, 48)) -> Image.Image:
    picture = Image.new("RGB", size, (40, 90, 200))
    picture.paste((240, 60, 30), (16, 12, 40, 36))
    return picture


def test_outlines_are_white_on_black_around_what_differs() -> None:
    drawn = np.asarray(outline(_square()))
    assert drawn.shape == (48, 64, 3)
    assert drawn[24, 15:18].max() > 200
    assert drawn[24, 24:32].max() == drawn[:6].max() == 0


def test_an_outline_picture_passes_unchanged() -> None:
    lines = torch.zeros(1, 3, 48, 64)
    lines[..., 20, 10:50] = 1.0
    assert torch.equal(outlines(lines), lines)
    assert torch.equal(outlines(1 - lines), lines)


@pytest.mark.filterwarnings("ignore:.FluxPosEmbed.:FutureWarning")  # of diffusers itself
def test_only_the_named_controlnets_get_outlines() -> None:
    nets = {"edges": flux_controlnet(1), "layout": flux_controlnet(2)}
    wishes = tiny.WISHES | {"outline": ["edges"]}
    model = assemble(tiny.flux(FluxKontextPipeline), controlnets=nets, wishes=wishes)
    picture = Pixels(64, 64, _square((64, 64)).tobytes())
    request = ImageRequest(id="a", prompt="a car", seed=0, control_images=(picture, picture))
    edges, layout = model.arguments_for(request)["control_image"]
    assert np.array_equal(np.asarray(edges), np.asarray(outline(layout)))
    assert np.array_equal(np.asarray(layout), np.asarray(to_image(picture, layout.size)))
