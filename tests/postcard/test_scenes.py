"""The renderer's promises: one draw decides everything, and evaluation scenes stay unseen."""

from dataclasses import replace
from random import Random
from typing import Any

import pytest
import torch
from postcard.canvas import GROUND, SKY, THING
from postcard.places import PLACE
from postcard.render import edges, render
from postcard.scene import Scene, compose, draw_scene, held_out
from postcard.subjects import ALL_PLACES, COLOURS, PLACES, SUBJECTS, TIMES, subjects


def _scene(**changes: Any) -> Scene:
    asked: dict[str, Any] = {
        "subject": "car",
        "colour": "red",
        "place": "meadow",
        "time": "day",
    } | changes
    return compose(Random(1), **asked)


def test_equal_dice_draw_equal_scenes() -> None:
    assert draw_scene(Random(7)) == draw_scene(Random(7))
    assert draw_scene(Random(7)) != draw_scene(Random(8))


def test_a_scene_renders_to_the_same_pixels_alone_and_in_company() -> None:
    rng = Random(3)
    scenes = [draw_scene(rng) for _ in range(6)]
    together, labels = render(scenes, size=64)
    for index, scene in enumerate(scenes):
        alone, label = render([scene], size=64)
        assert torch.equal(alone[0], together[index])
        assert torch.equal(label[0], labels[index])


def test_rendering_does_not_touch_the_global_dice() -> None:
    torch.manual_seed(0)
    before = torch.get_rng_state()
    render([_scene()], size=64)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("time", TIMES)
def test_every_place_and_time_is_a_picture_with_sky_ground_and_thing(place: str, time: str) -> None:
    picture, label = render([_scene(place=place, time=time)], size=96)
    assert picture.shape == (1, 3, 96, 96)
    assert picture.isfinite().all()
    assert 0 <= picture.min() <= picture.max() <= 1
    assert {SKY, GROUND, THING} <= set(torch.unique(label).tolist())


@pytest.mark.parametrize("subject", subjects(tier=2))
def test_every_subject_covers_a_good_part_of_the_picture(subject: str) -> None:
    scene = compose(
        Random(2), subject=subject, colour=None, place="meadow", time="day", variety=0.4
    )
    _, label = render([scene], size=64)
    assert 0.03 < (label == THING).float().mean() < 0.5


def test_paint_changes_the_thing_and_nothing_else() -> None:
    red = _scene()
    blue = replace(red, things=(replace(red.things[0], colour="blue"),))
    pictures, labels = render([red, blue], size=128)
    changed = (pictures[0] - pictures[1]).abs().amax(0) > 0.05
    assert changed.sum() > 300
    assert (labels[0][changed] >= THING).float().mean() > 0.95
    inside = changed & (labels[0] >= THING)
    assert pictures[0][0][inside].mean() > pictures[0][2][inside].mean()
    assert pictures[1][2][inside].mean() > pictures[1][0][inside].mean()


def test_night_is_darker_than_day_but_the_thing_stays_readable() -> None:
    (day, night), labels = render([_scene(), _scene(time="night")], size=96)
    thing = labels[0] >= THING
    assert night.mean() < 0.6 * day.mean()
    assert night[:, thing].mean() > 0.5 * day[:, thing].mean()


def test_about_a_tenth_of_the_combinations_is_held_out_and_never_drawn() -> None:
    names = [(s, c, p) for s in SUBJECTS for c in COLOURS for p in PLACES]
    held = {n for n in names if held_out(subject=n[0], colour=n[1], place=n[2])}
    assert 0.07 < len(held) / len(names) < 0.13
    rng = Random(5)
    drawn = [draw_scene(rng) for _ in range(400)]
    assert not any((s.things[0].subject, s.things[0].colour, s.place) in held for s in drawn)
    kept = draw_scene(rng, held=True)
    assert held_out(subject=kept.things[0].subject, colour=kept.things[0].colour, place=kept.place)


def test_places_of_the_vocabulary_are_the_places_that_can_be_drawn() -> None:
    assert set(PLACE) == set(ALL_PLACES)


def test_edges_mark_outlines_and_leave_flat_areas_empty() -> None:
    flat = torch.zeros(1, 3, 32, 32)
    assert edges(flat).sum() == 0
    flat[..., 16:] = 1
    assert edges(flat)[0, 0, :, 15:17].min() == 1
    assert edges(flat)[0, 0, :, :14].sum() == 0
