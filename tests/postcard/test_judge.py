"""The judge: what it is taught is what is there, and what it finds decides the verdicts."""

from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest
import torch
import torch.nn.functional as F
from postcard.canvas import THING
from postcard.edits import KINDS, draw_edit
from postcard.judge import WHOLE, Findings, Judge, fine_areas, verdict
from postcard.judging import Example, Memory, answers_of, examples, loss_of, worsen
from postcard.measures import obeyed
from postcard.render import render
from postcard.scene import FULL, Scene, draw_scene, grow

Scores = dict[str, torch.Tensor]


def oracle(scenes: list[Scene]) -> Callable[[torch.Tensor], Scores]:
    """A judge that knows what these scenes hold, as sure scores."""
    label = render(scenes, size=128)[1].clone()
    answers = answers_of(scenes, label, ["plain"] * len(scenes))
    widths = {key: len(table) for key, table in WHOLE.items()}
    widths |= {"things": Judge().things.out_channels, "paint": 11, "areas": THING + 1}

    def scores(_pictures: torch.Tensor) -> Scores:
        found = {}
        for key, right in answers.items():
            sure = F.one_hot(right.clamp(min=0), widths[key]).float() * 20
            found[key] = sure.movedim(-1, 1)
        return found

    return scores


def findings_of(scenes: list[Scene]) -> Findings:
    return Findings(oracle(scenes), torch.zeros(len(scenes), 3, 8, 8))


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    rng = Random(8)
    return [draw_scene(rng, tier=1, repertoire=FULL) for _ in range(24)]


def test_what_is_there_is_judged_right_in_every_respect(scenes: list[Scene]) -> None:
    found = findings_of(scenes)
    verdicts = [verdict(found, row, scene) for row, scene in enumerate(scenes)]
    wrong = [(s, v) for s, v in zip(scenes, verdicts, strict=True) if not all(v.values())]
    assert len(wrong) <= 1, wrong  # one thing may hide another
    assert any("relation" in v for v in verdicts)
    assert any("colour" not in v for v in verdicts)


def test_other_things_places_and_paints_are_judged_wrong(scenes: list[Scene]) -> None:
    found = findings_of(scenes)
    painted = next(i for i, s in enumerate(scenes) if len(s.things) == 1 and s.things[0].colour)
    asked = scenes[painted]
    thing = asked.things[0]
    paint = "blue" if thing.colour != "blue" else "red"
    assert not verdict(found, painted, replace(asked, place="nowhere"))["place"]
    other = replace(asked, things=(replace(thing, colour=paint),))
    judged = verdict(found, painted, other)
    assert judged["subject"]
    assert not judged["colour"]
    assert not judged["subject and colour"]
    assert not judged["all"]
    wrong = replace(asked, things=(replace(thing, subject="pizza"),))
    assert not verdict(found, painted, wrong)["subject"]


def test_a_relation_asked_the_other_way_round_is_judged_wrong(scenes: list[Scene]) -> None:
    turned = {"left of": "right of", "right of": "left of"}
    rows = [i for i, s in enumerate(scenes) if s.relation in turned]
    assert rows
    found = findings_of(scenes)
    for row in rows:
        asked = replace(scenes[row], relation=turned[scenes[row].relation])
        assert not verdict(found, row, asked)["relation"]


@pytest.mark.parametrize("kind", KINDS)
def test_an_edit_is_obeyed_by_its_result_and_not_by_the_picture_before(kind: str) -> None:
    rng = Random(4)
    changes = [draw_edit(rng, tier=1, held=True, variety=0.4, kind=kind) for _ in range(8)]
    changes = [c for c in changes if all(t.size > 0.25 for t in c.after.things)]
    after, before = (
        findings_of([getattr(c, side) for c in changes]) for side in ("after", "before")
    )
    right = [obeyed(after, row, change) for row, change in enumerate(changes)]
    wrong = [obeyed(before, row, change) for row, change in enumerate(changes)]
    assert sum(right) >= len(changes) - 1
    assert not any(wrong)


def test_examples_cover_styles_and_empty_scenes_and_their_answers_fit_the_heads() -> None:
    torch.manual_seed(0)
    some = examples(Random(3), count=12, tier=1, variety=0.7)
    scores = Judge()(some.pictures)
    assert {key: value.shape[0] for key, value in scores.items()} == dict.fromkeys(scores, 12)
    assert loss_of(scores, some.answers).isfinite()
    assert len(set(some.answers["style"].tolist())) > 1
    mixed = Memory()
    assert len(mixed.mix(some).pictures) == 12
    assert len(mixed.mix(some).pictures) > 12


def test_the_judge_learns_a_batch_by_heart() -> None:
    torch.manual_seed(0)
    judge, some = Judge(), examples(Random(3), count=6, tier=0, variety=0.4)
    optimiser = torch.optim.AdamW(judge.parameters(), 3e-3)
    losses = []
    for _ in range(12):
        loss = loss_of(judge(worsen(some.pictures)), some.answers)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.5 * losses[0]


def test_a_batch_can_be_cut_and_joined(scenes: list[Scene]) -> None:
    label = render(scenes[:4], size=128)[1].clone()
    answers = answers_of(scenes[:4], label, ["plain"] * 4)
    whole = Example(torch.rand(4, 3, 8, 8), answers)
    again = whole.rows(torch.tensor([0, 1])).join(whole.rows(torch.tensor([2, 3])))
    assert torch.equal(again.pictures, whole.pictures)
    assert torch.equal(again.answers["things"], answers["things"])


def test_fine_areas_are_the_label_map_on_a_smaller_grid() -> None:
    label = torch.zeros(1, 256, 256, dtype=torch.uint8)
    label[:, 128:, 64:] = THING + 2
    fine = fine_areas(label)
    assert fine.shape == (1, 32, 32)
    assert (fine[0, 16:, 8:] == THING).all()
    assert fine.sum() == THING * 16 * 24


def test_a_small_thing_is_still_present() -> None:
    rng = Random(2)
    scene = draw_scene(rng, tier=0)
    small = replace(scene, things=(grow(scene.things[0], "small"),))
    assert findings_of([small]).present(0, small.things[0].subject)
