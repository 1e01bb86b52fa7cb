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
_DRIVE = ("driving down", "driving along", "driving on", "on")
_ROADS = ("a road", "the road", "a street")


def article(words: str) -> str:
    """The words with "a" or "an" before them."""
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def _subject(rng: Random, thing: Thing) -> str:
    words = [rng.choice(SUBJECTS[thing.subject].words)]
    if thing.colour:
        words.insert(0, rng.choice(COLOUR_WORDS.get(thing.colour, (thing.colour,))))
    if rng.random() < 0.1:
        words.insert(0, rng.choice(_MANNERS))
    return " ".join(words)


def _doing(rng: Random, scene: Scene) -> str:
    kind = SUBJECTS[scene.things[0].subject]
    if kind.drives and scene.place in ("city", "hills", "forest") and rng.random() < 0.3:
        return f"{rng.choice(_DRIVE)} {rng.choice(_ROADS)}"
    return rng.choice(
        {"land": ("", "", "standing"), "sea": ("", "sailing"), "sky": ("", "flying")}[kind.habitat]
    )


def _where(rng: Random, scene: Scene) -> str:
    words = rng.choice(PLACE_WORDS[scene.place])
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
    subject = article(_subject(rng, scene.things[0]))
    when = rng.choice(TIME_WORDS[scene.time])
    if scene.place == "hill road" and rng.random() < 0.4:
        sentence = _long_road(rng, scene, subject, when)
    else:
        tail = [_where(rng, scene), when]
        rng.shuffle(tail)
        sentence = " ".join([subject, _doing(rng, scene), *tail])
    sentence = _noise(rng, f"{rng.choice(_OPENINGS)} {sentence}")
    return " ".join(sentence.split()) + rng.choice(("", "."))


def prompt(scene: Scene) -> str:
    """The one plain sentence used for evaluation and contact sheets."""
    thing = scene.things[0]
    subject = article(" ".join(filter(None, (thing.colour, SUBJECTS[thing.subject].words[0]))))
    where = {"hill road": "on a hill road with an ocean view"}.get(
        scene.place, PLACE_WORDS[scene.place][0]
    )
    return f"{subject} {where} {TIME_WORDS[scene.time][0]}"


def vocabulary() -> list[str]:
    """Every word the grammars can say, one a line in `words.txt`: new words go to its end.

    A word's line is its number in the trained embeddings, so lines never move.
    """
    return Path(__file__).with_name("words.txt").read_text().split()
