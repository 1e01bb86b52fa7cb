"""The sentences of a scene say what is in it, in words the tokenizer knows."""

from random import Random
from typing import Any

import pytest
from postcard.captions import UNKNOWN, caption, prompt, vocabulary
from postcard.scene import Scene, compose, draw_scene
from postcard.subjects import COLOUR_WORDS, PLACES, SUBJECTS, TIMES
from postcard.text import LENGTH, make_tokenizer


def _scene(**changes: Any) -> Scene:
    asked = {
        "subject": "sports car",
        "colour": "orange",
        "place": "hill road",
        "time": "night",
    } | changes
    return compose(Random(1), **asked)


def test_one_scene_has_many_sentences_and_one_prompt() -> None:
    scene, rng = _scene(), Random(0)
    assert len({caption(rng, scene) for _ in range(50)}) > 30
    assert prompt(scene) == "an orange sports car on a hill road with an ocean view at night"


def test_nearly_every_caption_names_the_subject_by_one_of_its_words() -> None:
    rng = Random(0)
    scenes = [draw_scene(rng) for _ in range(300)]
    named = [
        any(words in caption(rng, s) for words in SUBJECTS[s.things[0].subject].words)
        for s in scenes
    ]
    assert sum(named) > 260


def test_nearly_every_caption_of_a_painted_thing_names_its_colour() -> None:
    rng, scene = Random(0), _scene(colour="purple")
    words = COLOUR_WORDS["purple"]
    assert sum(any(w in caption(rng, scene) for w in words) for _ in range(200)) > 180


@pytest.mark.parametrize("tier", [0, 1])
def test_the_tokenizer_knows_every_word_the_grammar_says_and_no_sentence_is_cut(tier: int) -> None:
    tokenizer, rng = make_tokenizer(), Random(tier)
    for _ in range(300):
        sentence = caption(rng, draw_scene(rng, tier=tier)).replace(UNKNOWN, "")
        numbers = tokenizer(sentence).input_ids
        assert tokenizer.unk_token_id not in numbers, sentence
        assert len(numbers) <= LENGTH


def test_case_accents_and_unknown_words_do_no_harm() -> None:
    tokenizer = make_tokenizer()
    plain = tokenizer("an orange lamborghini at night").input_ids
    assert tokenizer("An ORANGE Lamborghini at night").input_ids == plain
    strange = tokenizer("an orange lamborghini xyzzy at night").input_ids
    assert [n for n in strange if n != tokenizer.unk_token_id] == plain


def test_the_vocabulary_covers_places_and_times() -> None:
    words = set(vocabulary())
    assert {"ocean", "night", "snow", "forest"} <= words
    assert len(PLACES) * len(TIMES) == 24
