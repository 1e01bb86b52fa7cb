"""Redrawn pictures: each style has its own marks, and the picture stays recognisable."""

from random import Random

import pytest
import torch
from postcard.render import render
from postcard.scene import compose
from postcard.styles import BLOCK, STYLES, palette, stylise


@pytest.fixture(scope="module")
def picture() -> torch.Tensor:
    scene = compose(Random(1), subject="car", colour="red", place="meadow", time="day")
    return render([scene], size=128)[0].clone()


@pytest.mark.parametrize("style", STYLES)
def test_a_style_changes_the_picture_the_same_way_each_time_alone_and_in_company(
    style: str, picture: torch.Tensor
) -> None:
    drawn = stylise(picture, style)
    both = stylise(torch.cat([picture.flip(-1), picture]), style)
    assert drawn.shape == picture.shape
    assert 0 <= drawn.min() <= drawn.max() <= 1
    assert (drawn - picture).abs().mean() > 0.015
    assert torch.allclose(both[1:], drawn, atol=1e-5)


@pytest.mark.parametrize("style", STYLES)
def test_light_and_dark_stay_where_they_were(style: str, picture: torch.Tensor) -> None:
    grey, drawn = picture.mean(1).flatten(), stylise(picture, style).mean(1).flatten()
    assert torch.corrcoef(torch.stack([grey, drawn]))[0, 1] > 0.4


def test_pixel_art_is_square_blocks_of_palette_colours(picture: torch.Tensor) -> None:
    drawn = stylise(picture, "pixel-art")
    blocks = drawn[..., ::BLOCK, ::BLOCK]
    assert torch.equal(blocks.repeat_interleave(BLOCK, 2).repeat_interleave(BLOCK, 3), drawn)
    away = torch.cdist(blocks[0].flatten(1).T, palette())
    assert away.min(1).values.max() < 1e-3
    assert len(set(away.argmin(1).tolist())) > 6


def test_a_sketch_is_pale_paper_with_dark_lines(picture: torch.Tensor) -> None:
    drawn, night = stylise(picture, "sketch"), stylise(picture * 0.3, "sketch")
    assert drawn.median() > 0.75
    assert drawn.min() < 0.4
    assert night.median() > 0.5


def test_flat_areas_have_few_colours(picture: torch.Tensor) -> None:
    def colours(pixels: torch.Tensor) -> int:
        return len(torch.unique((pixels * 32).round().flatten(2)[0].T, dim=0))

    assert colours(stylise(picture, "flat")) < 0.75 * colours(picture)


def test_an_unknown_style_is_an_error(picture: torch.Tensor) -> None:
    with pytest.raises(KeyError, match="oil"):
        stylise(picture, "oil")
