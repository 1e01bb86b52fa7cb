"""Edits: two scenes that differ in one thing, and the instruction that leads from one to the other.

Everything else is equal to the last die, so that the two pictures are equal outside the change.
It knows nothing of pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

from .captions import article
from .scene import Scene, Thing, compose, draw_scene, draw_thing, held_out
from .subjects import COLOUR_WORDS, COLOURS, PLACE_WORDS, PLACES, SUBJECTS, TIMES, subjects


@dataclass(frozen=True, kw_only=True)
class Edit:
    """`kind` is one of `KINDS`; `where` a side or the foreground, when something is added."""

    kind: str
    before: Scene
    after: Scene
    where: str = ""


WHERE = {
    "on the left": (0.26, 0.9),
    "on the right": (0.74, 0.9),
    "in the middle": (0.5, 0.9),
    "in the foreground": (0.5, 1.1),
}
"""Where a new thing goes: its centre and how much larger than usual it is."""


def _second(rng: Random, scene: Scene, *, tier: int, variety: float) -> Thing:
    """Another thing that can live at this place."""
    while True:
        subject = rng.choice(subjects(tier=tier))
        kind = SUBJECTS[subject]
        paint = kind.hue is not None and rng.random() < 0.92
        colour = rng.choice(tuple(COLOURS)) if paint else None
        if subject != scene.things[0].subject and (kind.habitat != "sea" or scene.place == "ocean"):
            return draw_thing(
                rng, subject=subject, colour=colour, place=scene.place, variety=variety
            )


def _aside(thing: Thing, x: float) -> Thing:
    """The thing, smaller and at `x`."""
    size = thing.size * 0.8
    base = thing.base - (0.2 * thing.size if SUBJECTS[thing.subject].habitat == "sky" else 0.0)
    return replace(thing, x=x, size=size, base=base)


def _add(rng: Random, scene: Scene, other: Thing) -> Edit:
    thing = scene.things[0]
    where = rng.choice((*WHERE, "", ""))
    x, grown = WHERE.get(where, (thing.x, 1.0))
    sky = SUBJECTS[thing.subject].habitat == "sky"
    if sky and where == "in the foreground":
        where, grown = "in the sky", 1.0
    x += rng.uniform(-0.05, 0.05)
    new = replace(thing, x=x, size=thing.size * grown)
    others: tuple[Thing, ...] = ()
    if where in ("on the left", "on the right") and rng.random() < 0.6:
        others = (_aside(other, 1 - x),)
        new = _aside(replace(new, size=thing.size), x)
    before = replace(scene, things=others)
    return Edit(kind="add", before=before, after=replace(scene, things=(*others, new)), where=where)


def _remove(rng: Random, scene: Scene, other: Thing) -> Edit:
    added = _add(rng, scene, other)
    return Edit(kind="remove", before=added.after, after=added.before)


def _recolour(rng: Random, scene: Scene, _other: Thing) -> Edit | None:
    thing = scene.things[0]
    if SUBJECTS[thing.subject].hue is None:
        return None
    colour = rng.choice([c for c in COLOURS if c != thing.colour])
    after = replace(scene, things=(replace(thing, colour=colour),))
    return Edit(kind="recolour", before=scene, after=after)


def _replace(_rng: Random, scene: Scene, other: Thing) -> Edit:
    there = replace(other, x=scene.things[0].x)
    return Edit(kind="replace", before=scene, after=replace(scene, things=(there,)))


def _time(rng: Random, scene: Scene, _other: Thing) -> Edit:
    time = rng.choice([t for t in TIMES if t != scene.time])
    return Edit(kind="time", before=scene, after=replace(scene, time=time))


def _place(rng: Random, scene: Scene, _other: Thing) -> Edit | None:
    if SUBJECTS[scene.things[0].subject].habitat == "sea":
        return None
    place = rng.choice([p for p in PLACES if p != scene.place])
    return Edit(kind="place", before=scene, after=replace(scene, place=place))


KINDS: dict[str, Callable[[Random, Scene, Thing], Edit | None]] = {
    "add": _add,
    "remove": _remove,
    "recolour": _recolour,
    "replace": _replace,
    "time": _time,
    "place": _place,
}
_OFTEN = ("add", "add", "add", "remove", "recolour", "replace", "time", "place")


def _held(scene: Scene) -> bool:
    return any(
        held_out(subject=t.subject, colour=t.colour, place=scene.place) for t in scene.things
    )


def draw_edit(
    rng: Random, *, tier: int = 0, held: bool = False, variety: float = 1.0, kind: str | None = None
) -> Edit:
    """A random edit; unless `held`, no combination kept for evaluation is in its result."""
    while True:
        scene = draw_scene(rng, tier=tier, held=held, variety=variety)
        other = _second(rng, scene, tier=tier, variety=variety)
        made = KINDS[kind or rng.choice(_OFTEN)](rng, scene, other)
        if made is not None and (held or not (_held(made.before) or _held(made.after))):
            return made


def add_to(rng: Random, *, place: str, time: str, subject: str, colour: str | None) -> Edit:
    """The edit that puts one thing into the foreground of an empty scene."""
    scene = compose(rng, subject=subject, colour=colour, place=place, time=time)
    large = replace(scene.things[0], x=0.5, size=scene.things[0].size * 1.1)
    return Edit(
        kind="add",
        before=replace(scene, things=()),
        after=replace(scene, things=(large,)),
        where="in the foreground",
    )


def _named(rng: Random, thing: Thing, *, colour: bool) -> str:
    words = rng.choice(SUBJECTS[thing.subject].words)
    if not (colour and thing.colour):
        return words
    return f"{rng.choice(COLOUR_WORDS.get(thing.colour, (thing.colour,)))} {words}"


def _changed(one: Scene, other: Scene) -> Thing:
    """The thing of `one` that `other` lacks."""
    return next(thing for thing in one.things if thing not in other.things)


def _say_add(rng: Random, edit: Edit) -> str:
    new = article(_named(rng, _changed(edit.after, edit.before), colour=True))
    verb = rng.choice(("add", "add", "add", "put", "place", "show"))
    return f"{verb} {new} {edit.where}"


def _say_remove(rng: Random, edit: Edit) -> str:
    gone = _named(rng, _changed(edit.before, edit.after), colour=rng.random() < 0.4)
    return f"{rng.choice(('remove', 'remove', 'delete', 'take away'))} the {gone}"


def _say_recolour(rng: Random, edit: Edit) -> str:
    thing = edit.after.things[0]
    assert thing.colour is not None
    colour = rng.choice(COLOUR_WORDS.get(thing.colour, (thing.colour,)))
    old = _named(rng, edit.before.things[0], colour=rng.random() < 0.3)
    return rng.choice(
        (
            f"make the {old} {colour}",
            f"paint the {old} {colour}",
            f"turn the {old} {colour}",
            f"change the colour of the {old} to {colour}",
            f"change the color of the {old} to {colour}",
            f"make it {colour}",
        )
    )


def _say_replace(rng: Random, edit: Edit) -> str:
    old = _named(rng, edit.before.things[0], colour=rng.random() < 0.3)
    new = article(_named(rng, edit.after.things[0], colour=True))
    return rng.choice(
        (
            f"replace the {old} with {new}",
            f"change the {old} to {new}",
            f"change the {old} into {new}",
            f"turn the {old} into {new}",
            f"make it {new}",
        )
    )


_TIME_SAID = {
    "day": ("make it day", "change the time to day", "make it a sunny day", "turn it into day"),
    "sunset": ("make it sunset", "change it to sunset", "make it evening", "turn it into a sunset"),
    "night": ("make it night", "change it to night", "make it night time", "turn it into night"),
}


def _say_time(rng: Random, edit: Edit) -> str:
    return rng.choice(_TIME_SAID[edit.after.time])


def _say_place(rng: Random, edit: Edit) -> str:
    place = edit.after.place
    where = "on a hill road" if place == "hill road" else rng.choice(PLACE_WORDS[place])
    there = where.split(" ", 1)[1] if where.split(" ", 1)[0] in ("in", "on", "among", "by") else ""
    put = f"{rng.choice(('put', 'move', 'place'))} it {where}"
    if not there or rng.random() < 0.4:
        return put
    return rng.choice((f"change the background to {there}", f"change the place to {there}"))


_SAY = {
    "add": _say_add,
    "remove": _say_remove,
    "recolour": _say_recolour,
    "replace": _say_replace,
    "time": _say_time,
    "place": _say_place,
}


def instruction(rng: Random, edit: Edit) -> str:
    """One of many sentences that ask for the edit: lower case, often without a final stop."""
    return " ".join(_SAY[edit.kind](rng, edit).split()) + rng.choice(("", "."))
