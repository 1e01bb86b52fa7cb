"""An edit changes one thing, says so in words the tokenizer knows, and keeps evaluation unseen."""

from dataclasses import replace
from random import Random

import pytest
from postcard.edits import KINDS, Edit, add_to, draw_edit, instruction
from postcard.render import render
from postcard.scene import Scene, held_out
from postcard.text import LENGTH, make_tokenizer


def _edits(kind: str | None = None, *, count: int = 60, held: bool = False) -> list[Edit]:
    rng = Random(f"tests/{kind}")
    return [draw_edit(rng, tier=1, held=held, kind=kind, variety=0.5) for _ in range(count)]


@pytest.mark.parametrize("kind", KINDS)
def test_the_two_scenes_differ_in_what_the_kind_names_and_nothing_else(kind: str) -> None:
    for edit in _edits(kind):
        changes = {
            "time": {"time": edit.after.time},
            "place": {"place": edit.after.place},
        }.get(kind, {"things": edit.after.things})
        assert replace(edit.before, **changes) == edit.after != edit.before


def test_adding_is_removing_backwards_and_adds_one_thing() -> None:
    for kind, step in (("add", 1), ("remove", -1)):
        assert {len(e.after.things) - len(e.before.things) for e in _edits(kind)} == {step}


def test_the_pictures_are_equal_outside_the_change() -> None:
    edit = add_to(Random(0), place="city", time="night", subject="sports car", colour="red")
    (before, after), _ = render([edit.before, edit.after])
    changed = (before - after).abs().amax(0) > 0
    assert 0.05 < changed.float().mean() < 0.5
    assert not changed[:80].any()


def test_training_edits_hold_no_combination_kept_for_evaluation() -> None:
    def kept(scene: Scene) -> bool:
        return any(
            held_out(subject=t.subject, colour=t.colour, place=scene.place) for t in scene.things
        )

    assert not any(kept(e.before) or kept(e.after) for e in _edits(count=200))


def test_the_tokenizer_knows_every_word_of_an_instruction() -> None:
    tokenizer, rng = make_tokenizer(), Random(0)
    for edit in _edits(count=300):
        said = instruction(rng, edit)
        numbers = tokenizer(said).input_ids
        assert tokenizer.unk_token_id not in numbers, said
        assert len(numbers) <= LENGTH


def test_the_seeds_instruction_is_one_the_grammar_says() -> None:
    edit = add_to(Random(0), place="hills", time="day", subject="sports car", colour="red")
    said = {instruction(Random(seed), edit) for seed in range(400)}
    assert "add a red sports car in the foreground." in said
