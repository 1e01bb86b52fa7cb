"""A picture before it is drawn: every random choice, made once and written down.

`draw_scene` rolls all dice; rendering a `Scene` rolls none, so that changing one attribute with
`dataclasses.replace` changes only that. It knows nothing of pixels or words.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from random import Random

from .subjects import (
    ALL_PLACES,
    ALL_TIMES,
    COLOURS,
    PLACES,
    SUBJECTS,
    TIMES,
    TIMES_OF,
    Subject,
    subjects,
)

DICE = 96
"""Uniform numbers in each scene; the sky reads the first 32, the place the rest."""


@dataclass(frozen=True, kw_only=True)
class Thing:
    """One object: `x` and `base` (its centre and its foot), `size`: fractions of the picture.

    `grown` is "big" or "small" where it is said to be so.
    """

    subject: str
    colour: str | None
    x: float
    base: float
    size: float
    flip: bool
    grown: str = ""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """All that decides a picture. `things` are drawn in order; `dice` are uniform in [0, 1).

    `relation` says how the first of two things stands to the second. `finish` 2 adds lights in the
    dark and firmer shadows to the look of the first releases.
    """

    place: str
    time: str
    things: tuple[Thing, ...]
    dice: tuple[float, ...]
    relation: str = ""
    finish: int = 1


@dataclass(frozen=True, kw_only=True)
class Repertoire:
    """What `draw_scene` may choose from: places, times, how many things at most, sizes."""

    places: tuple[str, ...] = PLACES
    times: tuple[str, ...] = TIMES
    most: int = 1
    sized: float = 0.0
    finish: int = 1


FIRST = Repertoire()
"""The first two releases: one thing of usual size, eight places, three times."""
FULL = Repertoire(places=ALL_PLACES, times=ALL_TIMES, most=3, sized=0.25, finish=2)
"""Everything the renderer can draw."""
RELATIONS = ("left of", "right of", "behind", "next to")
GROWN = {"big": 1.3, "small": 0.62}


def held_out(*, subject: str, colour: str | None, place: str) -> bool:
    """Whether this combination is kept for evaluation: a tenth of all, by their names' hash."""
    name = f"{subject}|{colour or 'none'}|{place}"
    return hashlib.sha256(name.encode()).digest()[0] % 10 == 0


def _around(rng: Random, middle: float, reach: float) -> float:
    return middle + reach * rng.uniform(-1, 1)


def _stand(rng: Random, *, subject: str, place: str, variety: float) -> tuple[float, float]:
    kind = SUBJECTS[subject]
    size = kind.scale * _around(rng, 0.52 - 0.05 * variety, 0.08 * variety)
    if kind.habitat == "sky":
        return size, _around(rng, 0.18, 0.06 * variety) + size
    if place == "underwater" and kind.swims:
        return size, _around(rng, 0.62, 0.08 * variety)
    if kind.habitat == "sea" and place in ("ocean", "lake"):
        return size, _around(rng, 0.71, 0.04 * variety)
    return size, _around(rng, 0.88, 0.04 * variety)


def draw_thing(
    rng: Random, *, subject: str, colour: str | None, place: str, variety: float = 1.0
) -> Thing:
    """Place one object where its kind lives: on land, on water or in the sky."""
    size, base = _stand(rng, subject=subject, place=place, variety=variety)
    x = _around(rng, 0.5, 0.16 * variety)
    flip = rng.random() < 0.5 * (variety > 0.5)
    return Thing(subject=subject, colour=colour, x=x, base=base, size=size, flip=flip)


def fits(kind: Subject, place: str) -> bool:
    """Whether such a thing can live at this place."""
    if kind.habitat == "sea":
        return place in ("ocean", "lake") or (kind.swims and place == "underwater")
    if kind.habitat == "sky":
        return place != "underwater" and (kind.small or place != "room")
    return True


def times_of(place: str, times: tuple[str, ...]) -> tuple[str, ...]:
    """Those of `times` that this place has."""
    return tuple(time for time in times if time in TIMES_OF.get(place, ALL_TIMES))


def _paint(rng: Random, subject: str) -> str | None:
    paint = SUBJECTS[subject].hue is not None and rng.random() < 0.92
    return rng.choice(tuple(COLOURS)) if paint else None


def _one_of(rng: Random, names: tuple[str, ...]) -> str:
    """A choice that rolls no die when there is none."""
    return names[0] if len(names) == 1 else rng.choice(names)


def _choose(
    rng: Random, *, tier: int, places: tuple[str, ...]
) -> tuple[str, str | None, str] | None:
    subject = rng.choice(subjects(tier=tier))
    kind, colour = SUBJECTS[subject], _paint(rng, subject)
    homes = tuple(place for place in places if fits(kind, place))
    if kind.drives and "hill road" in homes and rng.random() < 0.25:
        return subject, colour, "hill road"
    return (subject, colour, _one_of(rng, homes)) if homes else None


def draw_scene(
    rng: Random,
    *,
    tier: int = 0,
    held: bool = False,
    variety: float = 1.0,
    repertoire: Repertoire = FIRST,
) -> Scene:
    """A random scene of this tier; `held` draws only combinations kept for evaluation.

    `variety` below 1 narrows positions, sizes and backgrounds, for short trainings.
    """
    while True:
        chosen = _choose(rng, tier=tier, places=repertoire.places)
        if chosen is None:
            continue
        subject, colour, place = chosen
        if held_out(subject=subject, colour=colour, place=place) == held:
            break
    time = _one_of(rng, times_of(place, repertoire.times))
    scene = compose(rng, subject=subject, colour=colour, place=place, time=time, variety=variety)
    if repertoire.finish > 1:
        scene = replace(scene, finish=repertoire.finish)
    if repertoire.most > 1 and rng.random() < 0.5:
        scene = _with_company(
            rng, scene, tier=tier, held=held, variety=variety, most=repertoire.most
        )
    if len(scene.things) < 3 and repertoire.sized:
        scene = _with_sizes(rng, scene, chance=repertoire.sized)
    return scene


def compose(
    rng: Random, *, subject: str, colour: str | None, place: str, time: str, variety: float = 1.0
) -> Scene:
    """A scene of exactly these attributes, everything else random."""
    thing = draw_thing(rng, subject=subject, colour=colour, place=place, variety=variety)
    rest = Random("backdrop")
    dice = tuple(_around(rng, rest.random(), variety / 2) % 1.0 for _ in range(DICE))
    return Scene(place=place, time=time, things=(thing,), dice=dice)


def _other(
    rng: Random, scene: Scene, *, tier: int, held: bool, variety: float, among: list[str]
) -> Thing:
    while True:
        subject = rng.choice(subjects(tier=tier))
        if subject in among or not fits(SUBJECTS[subject], scene.place):
            continue
        colour = _paint(rng, subject)
        if held or not held_out(subject=subject, colour=colour, place=scene.place):
            return draw_thing(
                rng, subject=subject, colour=colour, place=scene.place, variety=variety
            )


def _with_company(
    rng: Random, scene: Scene, *, tier: int, held: bool, variety: float, most: int
) -> Scene:
    """The scene with two or three different things, the two in some relation."""
    things, count = [scene.things[0]], 2 if most == 2 or rng.random() < 0.7 else 3
    while len(things) < count:
        among = [thing.subject for thing in things]
        things.append(_other(rng, scene, tier=tier, held=held, variety=variety, among=among))
    if count == 3:
        return replace(scene, things=_in_a_row(rng, things, places=(0.19, 0.5, 0.81), share=0.62))
    grounded = all(SUBJECTS[thing.subject].habitat == "land" for thing in things)
    relation = rng.choice(("", *RELATIONS) if grounded else ("", "left of", "right of", "next to"))
    if relation == "behind":
        return replace(scene, things=_one_behind(rng, *things), relation=relation)
    ends = {"left of": (0.28, 0.72), "right of": (0.72, 0.28)}
    places = ends.get(relation) or rng.choice(tuple(ends.values()))
    return replace(
        scene, things=_in_a_row(rng, things, places=places, share=0.78), relation=relation
    )


def _in_a_row(
    rng: Random, things: list[Thing], *, places: tuple[float, ...], share: float
) -> tuple[Thing, ...]:
    return tuple(
        replace(
            thing,
            x=_around(rng, x, 0.02),
            size=thing.size * share,
            base=thing.base - (1 - share) * thing.size * _floats(thing),
        )
        for thing, x in zip(things, places, strict=True)
    )


def _floats(thing: Thing) -> float:
    """1 for what hangs in the sky: it shrinks towards its top, not towards its foot."""
    return float(SUBJECTS[thing.subject].habitat == "sky")


def _one_behind(rng: Random, back: Thing, front: Thing) -> tuple[Thing, ...]:
    side = rng.choice((-1, 1))
    x = _around(rng, 0.5, 0.04)
    return (
        replace(back, x=x + 0.13 * side, base=0.74, size=back.size * 0.80),
        replace(front, x=x - 0.11 * side, base=0.94, size=front.size * 0.72),
    )


def _with_sizes(rng: Random, scene: Scene, *, chance: float) -> Scene:
    """Some of the things big or small."""
    things = []
    for thing in scene.things:
        grown = rng.choice(tuple(GROWN)) if rng.random() < chance else ""
        if grown == "big" and len(scene.things) > 1:
            grown = ""
        things.append(grow(thing, grown) if grown else thing)
    return replace(scene, things=tuple(things))


def grow(thing: Thing, grown: str) -> Thing:
    """The thing, said to be "big" or "small" and so."""
    size = thing.size * GROWN[grown]
    return replace(
        thing, size=size, grown=grown, base=thing.base + (size - thing.size) * _floats(thing)
    )
