"""Control pictures: outlines of anything, and a layout whose colours name its areas."""

from random import Random

import pytest
import torch
from postcard.canvas import GROUND, ROAD, SKY, THING
from postcard.controls import LAYOUT, areas, edges3, layout, layout_palette
from postcard.render import render
from postcard.scene import compose


@pytest.fixture(scope="module")
def rendered() -> tuple[torch.Tensor, torch.Tensor]:
    rng = Random(1)
    scenes = [
        compose(rng, subject="car", colour="red", place="city", time=time)
        for time in ("day", "night")
    ]
    pictures, labels = render(scenes, size=128)
    return pictures.clone(), labels.clone()


def test_a_layout_has_one_palette_colour_per_area_and_can_be_read_back(
    rendered: tuple[torch.Tensor, torch.Tensor],
) -> None:
    _, label = rendered
    drawn = layout(label)
    assert drawn.shape == (2, 3, 128, 128)
    assert torch.equal(areas(drawn), label.clamp(max=THING))
    assert {SKY, GROUND, ROAD, THING} <= set(areas(drawn).flatten().tolist())
    assert torch.allclose(drawn[0, :, 0, 0] * 255, torch.tensor((0x70, 0xC5, 0xE8)).float())


def test_a_second_thing_looks_like_the_first() -> None:
    two = torch.tensor([[[THING, THING + 1]]])
    assert torch.equal(*layout(two)[0, :, 0].unbind(1))


def test_layout_colours_are_far_apart() -> None:
    away = torch.cdist(layout_palette(), layout_palette()) + torch.eye(len(LAYOUT)) * 9
    assert away.min() > 0.3


def test_areas_survive_lossy_colours(rendered: tuple[torch.Tensor, torch.Tensor]) -> None:
    _, label = rendered
    torch.manual_seed(0)
    worse = layout(label) + 0.05 * torch.randn(2, 3, 128, 128)
    assert (areas(worse) == label.clamp(max=THING)).float().mean() > 0.97


def test_outlines_follow_a_step_and_not_a_gradient() -> None:
    slope = torch.linspace(0.2, 0.8, 64).expand(1, 3, 64, 64)
    assert edges3(slope).max() == 0
    step = slope.clone()
    step[..., 20:40, 20:40] = torch.tensor((0.9, 0.1, 0.1)).view(3, 1, 1)
    found = edges3(step)
    assert found[0, :, 30, 19:21].min() > 0.9
    assert found[0, :, 28:32, 26:34].max() == 0


def test_an_outline_picture_passes_and_black_lines_on_white_are_turned(
    rendered: tuple[torch.Tensor, torch.Tensor],
) -> None:
    outlines = edges3(rendered[0])
    assert outlines.shape == (2, 3, 128, 128)
    assert torch.allclose(edges3(outlines), outlines, atol=1e-5)
    assert torch.allclose(edges3(1 - outlines), outlines, atol=1e-5)


def test_every_picture_of_a_batch_is_judged_alone(
    rendered: tuple[torch.Tensor, torch.Tensor],
) -> None:
    outlines = edges3(rendered[0])
    mixed = edges3(torch.cat([rendered[0][:1], outlines[1:]]))
    assert torch.allclose(mixed, outlines, atol=1e-5)


def test_the_thing_is_outlined_by_day_and_by_night(
    rendered: tuple[torch.Tensor, torch.Tensor],
) -> None:
    pictures, label = rendered
    thing = (label >= THING).float()[:, None]
    rim = (
        torch.nn.functional.max_pool2d(thing, 5, 1, 2)
        + torch.nn.functional.max_pool2d(-thing, 5, 1, 2)
    ) > 0.5
    lines = edges3(pictures)[:, :1]
    for index in range(2):
        assert lines[index][rim[index]].mean() > 2 * lines[index].mean()


def test_grain_makes_no_outlines() -> None:
    torch.manual_seed(0)
    assert edges3(0.5 + 0.02 * torch.randn(1, 3, 64, 64)).mean() < 0.01
