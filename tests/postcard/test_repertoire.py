"""The full repertoire: weathers, places, several things, sizes and lights; the first stays."""

import hashlib
from dataclasses import replace
from random import Random
from typing import Any

import pytest
import torch
from postcard.canvas import GROUND, SEA, SKY, THING
from postcard.captions import UNKNOWN, caption, prompt
from postcard.render import render
from postcard.scene import (
    FULL,
    RELATIONS,
    Repertoire,
    Scene,
    compose,
    draw_scene,
    fits,
    grow,
    held_out,
    times_of,
)
from postcard.subjects import ALL_PLACES, ALL_TIMES, PLACES, SUBJECTS, TIMES
from postcard.text import LENGTH, make_tokenizer

NEW = [(p, t) for p in ALL_PLACES[8:] for t in times_of(p, ALL_TIMES)]
NEW += [(p, t) for p in PLACES for t in ALL_TIMES[3:]]


def _scene(**changes: Any) -> Scene:
    asked: dict[str, Any] = {"subject": "car", "colour": "red", "place": "hills", "time": "day"}
    return compose(Random(1), **(asked | changes))


def _drawn(count: int, **choice: Any) -> list[Scene]:
    rng = Random(11)
    return [draw_scene(rng, tier=2, repertoire=FULL, **choice) for _ in range(count)]


def test_the_first_repertoire_draws_what_it_always_drew() -> None:
    rng = Random("first")
    names = [
        f"{s.place}|{s.time}|{s.things[0].subject}|{s.things[0].colour}|{s.things[0].x:.6f}"
        for s in (draw_scene(rng) for _ in range(50))
    ]
    assert hashlib.sha256("\n".join(names).encode()).hexdigest()[:16] == "37c134c48370ebbe"


def test_there_are_twelve_places_and_five_times() -> None:
    assert (len(ALL_PLACES), len(ALL_TIMES)) == (12, 5)
    scenes = _drawn(400)
    assert {s.place for s in scenes} == set(ALL_PLACES)
    assert {s.time for s in scenes} == set(ALL_TIMES)
    assert ALL_PLACES[:8] == PLACES
    assert ALL_TIMES[:3] == TIMES


@pytest.mark.parametrize(("place", "time"), NEW)
def test_every_new_place_and_weather_is_a_picture_with_a_ground_and_a_thing(
    place: str, time: str
) -> None:
    picture, label = render([replace(_scene(place=place, time=time), finish=2)], size=96)
    assert picture.isfinite().all()
    assert 0 <= picture.min() < 0.5 < picture.max() <= 1
    assert {SEA if place == "underwater" else SKY, GROUND, THING} <= set(label.flatten().tolist())


def test_new_pictures_are_the_same_alone_and_in_company() -> None:
    scenes = _drawn(8)
    together, labels = render(scenes, size=64)
    for index, scene in enumerate(scenes):
        alone, label = render([scene], size=64)
        assert torch.equal(alone[0], together[index])
        assert torch.equal(label[0], labels[index])


def test_rain_and_snow_fall_in_front_and_only_outside_the_window_of_a_room() -> None:
    for time in ("rain", "snowfall"):
        scene = _scene(place="room", time=time)
        wet, label = render([scene], size=128)
        other = replace(scene, dice=(*scene.dice[:90], 0.5, 0.5, *scene.dice[92:]))
        moved = (render([other], size=128)[0] - wet).abs().amax(1) > 0.02
        assert moved.sum() > 20
        assert (label[moved] == SKY).all()


def test_snowfall_whitens_the_ground_and_rain_darkens_the_day() -> None:
    (day, rain, snow), labels = render([_scene(time=t) for t in ("day", "rain", "snowfall")])
    ground = labels[0] == GROUND
    assert rain.mean() < day.mean()
    assert snow[:, ground].mean() > 1.3 * day[:, ground].mean()


def test_still_water_mirrors_what_stands_above_it() -> None:
    picture, label = render([_scene(place="lake", subject="cat", colour=None)], size=128)
    water = label[0] == SEA
    top = int(water.any(1).nonzero()[0])
    above, below = picture[0, :, top - 12 : top - 2], picture[0, :, top + 2 : top + 12].flip(1)
    assert (above.mean((1, 2)) - below.mean((1, 2))).abs().max() < 0.2


def test_lights_shine_at_night_with_the_second_finish_only() -> None:
    old = _scene(subject="house", colour=None, time="night")
    (dark, lit), labels = render([old, replace(old, finish=2)], size=128)
    brighter = (lit - dark).mean(0) > 0.15
    assert brighter.sum() > 20
    assert (labels[0][brighter] >= THING).float().mean() > 0.8
    warm = lit[:, brighter].mean(1)
    assert warm[0] > warm[2] + 0.1


def test_headlights_light_the_ground_ahead_of_the_car() -> None:
    old = replace(_scene(time="night"), finish=1)
    old = replace(old, things=(replace(old.things[0], flip=False, x=0.6),))
    (dark, lit), _ = render([old, replace(old, finish=2)], size=128)
    low = (lit - dark)[:, 100:124].sum((0, 1))
    assert low[: 128 * 4 // 10].sum() > 2
    assert low[: 128 * 4 // 10].sum() > 2 * low[-128 * 2 // 10 :].clamp(min=0).sum()


def test_two_things_stand_as_their_relation_says() -> None:
    seen = set()
    for scene in _drawn(400):
        if scene.relation:
            seen.add(scene.relation)
            first, second = scene.things
            ahead = {"left of": first.x < second.x, "right of": first.x > second.x}
            assert ahead.get(scene.relation, True)
            if scene.relation == "behind":
                assert first.base < second.base - 0.1
    assert seen == set(RELATIONS)


def test_each_of_several_things_is_different_and_visible() -> None:
    scenes = [s for s in _drawn(300) if len(s.things) > 1][:60]
    assert {len(s.things) for s in scenes} == {2, 3}
    _, labels = render(scenes, size=96)
    for scene, label in zip(scenes, labels, strict=True):
        assert len({t.subject for t in scene.things}) == len(scene.things)
        shown = [int((label == THING + i).sum()) for i in range(len(scene.things))]
        assert min(shown) > 30, (scene, shown)


def test_big_things_are_larger_than_small_ones_and_stay_in_the_picture() -> None:
    thing = _scene().things[0]
    assert grow(thing, "big").size > 1.5 * grow(thing, "small").size
    assert grow(thing, "big").base == thing.base
    grown = [t for s in _drawn(200) for t in s.things if t.grown]
    assert {t.grown for t in grown} == {"big", "small"}


def test_nothing_stands_where_it_cannot_live_and_nothing_held_out_is_drawn() -> None:
    for scene in _drawn(400):
        for thing in scene.things:
            assert fits(SUBJECTS[thing.subject], scene.place)
            assert not held_out(subject=thing.subject, colour=thing.colour, place=scene.place)
        assert scene.time in times_of(scene.place, ALL_TIMES)


def test_a_repertoire_of_one_place_draws_that_place() -> None:
    rng, only = Random(2), Repertoire(places=("space",), times=ALL_TIMES)
    scenes = [draw_scene(rng, tier=2, repertoire=only) for _ in range(20)]
    assert {(s.place, s.time) for s in scenes} == {("space", "night")}


def test_captions_name_every_thing_and_fit_the_tokenizer() -> None:
    tokenizer, rng = make_tokenizer(), Random(0)
    for scene in _drawn(600):
        for sentence in (caption(rng, scene), prompt(scene)):
            numbers = tokenizer(sentence.replace(UNKNOWN, "")).input_ids
            assert tokenizer.unk_token_id not in numbers, sentence
            assert len(numbers) < LENGTH, sentence
        for thing in scene.things:
            assert SUBJECTS[thing.subject].words[0] in prompt(scene)


def test_plain_prompts_say_relation_size_weather_and_place() -> None:
    rng = Random(3)
    car, cat = (
        compose(rng, subject=s, colour=c, place="lake", time="rain").things[0]
        for s, c in (("car", "red"), ("cat", None))
    )
    scene = _scene(place="lake", time="rain")
    pair = replace(scene, things=(grow(car, "small"), cat), relation="left of")
    assert prompt(pair) == "a small red car to the left of a cat by a lake in the rain"
    three = replace(scene, things=(car, cat, replace(cat, subject="dog")))
    assert prompt(three) == "a red car, a cat and a dog by a lake in the rain"


def test_a_relation_is_told_from_either_side() -> None:
    scene = _scene(place="hills")
    cat = replace(scene.things[0], subject="cat", colour=None)
    pair = replace(scene, things=(scene.things[0], cat), relation="behind", finish=2)
    said = {"in front of" in caption(Random(i), pair) for i in range(40)}
    assert said == {True, False}
