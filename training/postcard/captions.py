"""Sentences for scenes: a small grammar with synonyms, long and short forms and noise words.

It knows the words of `subjects` and nothing of pixels.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

from .scene import Scene, Thing
from .subjects import COLOUR_WORDS, PLACE_WORDS, SUBJECTS, TIME_WORDS

UNKNOWN = "[UNK]"
_OPENINGS = (
    "",
    "",
    "",
    "",
    "a photo of",
    "a picture of",
    "a postcard of",
    "an illustration of",
    "an image of",
)
_MANNERS = ("little", "shiny", "cute", "beautiful", "old", "big", "small", "lovely")
_LOOKS = ("shiny", "cute", "beautiful", "old", "lovely")
_GROWN = {"big": ("big", "large", "huge"), "small": ("small", "tiny", "little")}
_RELATED = {
    "": ("and",),
    "left of": ("to the left of", "on the left of", "left of"),
    "right of": ("to the right of", "on the right of", "right of"),
    "behind": ("behind",),
    "in front of": ("in front of",),
    "next to": ("next to", "near", "close to"),
}
_TURNED = {"left of": "right of", "right of": "left of", "behind": "in front of"}
_DRIVE = ("driving down", "driving along", "driving on", "on")
_ROADS = ("a road", "the road", "a street")


def article(words: str) -> str:
    """The words with "a" or "an" before them."""
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def _subject(rng: Random, thing: Thing, manners: tuple[str, ...] = _MANNERS) -> str:
    words = [rng.choice(SUBJECTS[thing.subject].words)]
    if thing.colour:
        words.insert(0, rng.choice(COLOUR_WORDS.get(thing.colour, (thing.colour,))))
    if thing.grown:
        words.insert(0, rng.choice(_GROWN[thing.grown]))
    elif rng.random() < 0.1:
        words.insert(0, rng.choice(manners))
    return " ".join(words)


def _related(rng: Random, first: str, second: str, relation: str) -> str:
    """Two things and how they stand, told from either side."""
    if relation in _TURNED and rng.random() < 0.4:
        first, second, relation = second, first, _TURNED[relation]
    return f"{first} {rng.choice(_RELATED[relation])} {second}"


def _things(rng: Random, scene: Scene) -> str:
    manners = _MANNERS if scene.finish == 1 else _LOOKS
    names = [article(_subject(rng, thing, manners)) for thing in scene.things]
    if len(names) == 2 and (scene.relation or scene.finish > 1):
        return _related(rng, names[0], names[1], scene.relation)
    if len(names) > 2:
        return f"{', '.join(names[:-1])} and {names[-1]}"
    return names[0]


def _when(rng: Random, scene: Scene) -> str:
    return "" if scene.place == "space" else rng.choice(TIME_WORDS[scene.time])


def _doing(rng: Random, scene: Scene) -> str:
    kind = SUBJECTS[scene.things[0].subject]
    if kind.drives and scene.place in ("city", "hills", "forest") and rng.random() < 0.3:
        return f"{rng.choice(_DRIVE)} {rng.choice(_ROADS)}"
    return rng.choice(
        {"land": ("", "", "standing"), "sea": ("", "sailing"), "sky": ("", "flying")}[kind.habitat]
    )


def _where(rng: Random, scene: Scene) -> str:
    phrases = PLACE_WORDS[scene.place]
    if len(scene.things) > 1:
        phrases = tuple(words for words in phrases if len(words.split()) < 8)
    words = rng.choice(phrases)
    if not SUBJECTS[scene.things[0].subject].drives:
        words = words.replace("driving down", "on")
    return words


def _noise(rng: Random, sentence: str) -> str:
    words = sentence.split()
    if rng.random() < 0.08:
        words.insert(rng.randrange(len(words) + 1), UNKNOWN)
    if rng.random() < 0.05:
        del words[rng.randrange(len(words))]
    return " ".join(words)


def _long_road(rng: Random, scene: Scene, subject: str, when: str) -> str:
    road = rng.choice(("a hill road", "a winding hill road", "a coastal road", "a mountain road"))
    view = rng.choice(
        (
            "with a beautiful ocean view in the background",
            "with the ocean in the background",
            "by the ocean",
        )
    )
    doing = "driving down" if SUBJECTS[scene.things[0].subject].drives else "on"
    return f"{subject} {doing} {road} {when} {view}"


def caption(rng: Random, scene: Scene) -> str:
    """One of many sentences that describe the scene: lower case, often without a final stop."""
    subject, when = _things(rng, scene), _when(rng, scene)
    if scene.place == "hill road" and len(scene.things) == 1 and rng.random() < 0.4:
        sentence = _long_road(rng, scene, subject, when)
    else:
        tail = [_where(rng, scene), when]
        rng.shuffle(tail)
        doing = _doing(rng, scene) if len(scene.things) == 1 else ""
        sentence = " ".join([subject, doing, *tail])
    opening = rng.choice(_OPENINGS if len(scene.things) < 3 else ("",))
    sentence = _noise(rng, f"{opening} {sentence}")
    return " ".join(sentence.split()) + rng.choice(("", "."))


def _plain(thing: Thing) -> str:
    words = (thing.grown, thing.colour, SUBJECTS[thing.subject].words[0])
    return article(" ".join(filter(None, words)))


def prompt(scene: Scene) -> str:
    """The one plain sentence used for evaluation and contact sheets."""
    names = [_plain(thing) for thing in scene.things]
    subject = f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
    if scene.relation:
        subject = f"{names[0]} {_RELATED[scene.relation][0]} {names[1]}"
    where = {"hill road": "on a hill road with an ocean view"}.get(
        scene.place, PLACE_WORDS[scene.place][0]
    )
    when = "" if scene.place == "space" else TIME_WORDS[scene.time][0]
    return f"{subject} {where} {when}".strip()


def vocabulary() -> list[str]:
    """Every word the grammars can say, one a line in `words.txt`: new words go to its end.

    A word's line is its number in the trained embeddings, so lines never move.
    """
    return Path(__file__).with_name("words.txt").read_text().split()
