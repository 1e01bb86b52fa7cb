"""A picture before it is drawn: every random choice, made once and written down.

`draw_scene` rolls all dice; rendering a `Scene` rolls none, so that changing one attribute with
`dataclasses.replace` changes only that. It knows nothing of pixels or words.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from random import Random

from .subjects import COLOURS, PLACES, SUBJECTS, TIMES, subjects

DICE = 96
"""Uniform numbers in each scene; the sky reads the first 32, the place the rest."""


@dataclass(frozen=True, kw_only=True)
class Thing:
    """One object: `x` and `base` (its centre and its foot), `size`: fractions of the picture."""

    subject: str
    colour: str | None
    x: float
    base: float
    size: float
    flip: bool


@dataclass(frozen=True, kw_only=True)
class Scene:
    """All that decides a picture. `things` are drawn in order; `dice` are uniform in [0, 1)."""

    place: str
    time: str
    things: tuple[Thing, ...]
    dice: tuple[float, ...]


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
    if kind.habitat == "sea" and place == "ocean":
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


def _choose(rng: Random, *, tier: int) -> tuple[str, str | None, str]:
    names = subjects(tier=tier)
    subject = rng.choice(names)
    kind = SUBJECTS[subject]
    paint = kind.hue is not None and rng.random() < 0.92
    colour = rng.choice(tuple(COLOURS)) if paint else None
    if kind.habitat == "sea":
        return subject, colour, "ocean"
    if kind.drives and rng.random() < 0.25:
        return subject, colour, "hill road"
    return subject, colour, rng.choice(PLACES)


def draw_scene(rng: Random, *, tier: int = 0, held: bool = False, variety: float = 1.0) -> Scene:
    """A random scene of this tier; `held` draws only combinations kept for evaluation.

    `variety` below 1 narrows positions, sizes and backgrounds, for short trainings.
    """
    while True:
        subject, colour, place = _choose(rng, tier=tier)
        if held_out(subject=subject, colour=colour, place=place) == held:
            break
    time = rng.choice(TIMES)
    return compose(rng, subject=subject, colour=colour, place=place, time=time, variety=variety)


def compose(
    rng: Random, *, subject: str, colour: str | None, place: str, time: str, variety: float = 1.0
) -> Scene:
    """A scene of exactly these attributes, everything else random."""
    thing = draw_thing(rng, subject=subject, colour=colour, place=place, variety=variety)
    rest = Random("backdrop")
    dice = tuple(_around(rng, rest.random(), variety / 2) % 1.0 for _ in range(DICE))
    return Scene(place=place, time=time, things=(thing,), dice=dice)
