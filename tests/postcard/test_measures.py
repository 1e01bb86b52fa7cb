"""The measures: what they count, and that they run on a real (tiny, untrained) model directory."""

import json
from pathlib import Path
from random import Random

import pytest
import torch
from postcard.autoencoder import make_autoencoder
from postcard.controls import edges3, layout
from postcard.edits import draw_edit
from postcard.evaluate import table
from postcard.export import pipeline, write
from postcard.judge import Judge, fine_areas
from postcard.latents import PatchBasis
from postcard.measures import (
    adapters,
    area_iou,
    attributes,
    controls,
    edge_f1,
    edits,
    kept,
    scenes_of,
    shares,
)
from postcard.model import Networks, Size
from postcard.parts import make_part
from postcard.pipelines import Model, control, edit
from postcard.render import render
from postcard.scene import draw_scene

pytestmark = pytest.mark.filterwarnings("ignore:.FluxPosEmbed.:FutureWarning")  # of diffusers
SMALL = Size(heads=1, double=1, single=1, text=64)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("tiny")
    rng = Random(0)
    pictures, _ = render([draw_scene(rng) for _ in range(16)])
    PatchBasis.fit(pictures).save(folder / "basis.pt")
    torch.save(make_autoencoder().decoder.state_dict(), folder / "decoder.pt")

    def networks() -> Networks:
        return Networks(SMALL)

    parts = [make_part(networks(), kind) for kind in ("edges", "layout", "sketch")]
    write(pipeline(networks(), folder), folder / "model", parts)
    return Model(folder / "model")


@pytest.fixture(scope="module")
def judge() -> Judge:
    torch.manual_seed(0)
    return Judge().eval()


def test_shares_count_only_what_was_asked() -> None:
    found = shares([{"subject": True, "colour": False}, {"subject": False}])
    assert found == {"subject": 0.5, "colour": 0.0}


def test_the_same_scenes_are_asked_each_time_and_held_out_ones_are_others() -> None:
    held = scenes_of(5, held=True, tier=1)
    assert held == scenes_of(5, held=True, tier=1)
    assert held != scenes_of(5, held=False, tier=1)


def test_outlines_may_be_two_pixels_off_and_not_five() -> None:
    lines = torch.zeros(1, 3, 64, 64)
    lines[..., 20] = 1
    assert edge_f1(lines, lines) == 1
    assert edge_f1(lines.roll(2, -1), lines) == 1
    assert edge_f1(lines.roll(5, -1), lines) == 0
    double = torch.maximum(lines, lines.roll(20, -1))
    assert edge_f1(double, lines) == pytest.approx(2 / 3)


def test_areas_are_compared_where_they_should_be() -> None:
    _, label = render(scenes_of(2, held=False, tier=0))
    fine = fine_areas(label)
    assert area_iou(fine, fine) == 1
    assert area_iou(fine.roll(8, 2), fine) < 0.7


def test_what_is_kept_is_measured_outside_the_change_only() -> None:
    change = draw_edit(Random(1), kind="recolour", variety=0.4)
    (before, after), _ = render([change.before, change.after])
    assert kept(after, before, after) > 60
    assert kept((after + 0.1).clamp(0, 1), before, after) == pytest.approx(20, abs=2)
    night = draw_edit(Random(1), kind="time", variety=0.4)
    (day, dark), _ = render([night.before, night.after])
    assert kept(dark, day, dark) != kept(after, before, after)


def test_attributes_of_renders_and_of_the_model_by_steps_and_guidance(
    model: Model, judge: Judge
) -> None:
    rows = list(
        attributes(
            model, judge, scenes={"held out": scenes_of(2, held=True, tier=0)}, steps=[1],
            guidance=[0.0, 3.5],
        )
    )  # fmt: skip
    assert [row["of"] for row in rows] == ["renders", "model", "model"]
    assert [row.get("guidance") for row in rows] == [None, 0.0, 3.5]
    assert all(0 <= row[key] <= 1 for row in rows for key in ("subject", "place", "time", "all"))


def test_edits_of_every_kind_are_measured(model: Model, judge: Judge) -> None:
    ceiling, made = edits(model, judge, count=1, tier=0, steps=[1], guidance=[3.5])
    assert ceiling["pictures"] == 6
    assert ceiling["kept dB"] > made["kept dB"] > 0
    assert {"add", "remove", "recolour", "replace", "time", "place", "all"} <= set(made)


def test_controls_are_measured_by_weight_and_weight_0_is_byte_equal_to_none(
    model: Model, judge: Judge
) -> None:
    rows = list(
        controls(model, judge, count=2, tier=0, steps=1, guidance=3.5, weights=[0.0, 1.0])
    )  # fmt: skip
    by_map = {name: [row for row in rows if row["map"] == name] for name in ("edges", "layout")}
    for some in by_map.values():
        bounds = ["renders", "renders, coded", "no control"]
        assert [row["of"] for row in some] == [*bounds, "model", "model"]
        assert some[3]["equal to none"] is True
    assert by_map["edges"][0]["edge F1"] == 1


@pytest.mark.parametrize("task", ["control", "edit"])
def test_a_measured_pipeline_reads_pictures_as_a_served_one_does(
    model: Model, task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures, _ = render(scenes_of(1, held=True, tier=0))
    pipe = model.editing if task == "edit" else model.controlled("edges")
    encode, read = pipe.vae.encode, []

    def watched(given: torch.Tensor, **options: bool) -> object:
        read.append(given)
        return encode(given, **options)

    monkeypatch.setattr(pipe.vae, "encode", watched)
    if task == "edit":
        edit(pipe, ["make it night"], pictures, steps=1, guidance=3.5)
    else:
        control(pipe, ["a red car"], pictures, weight=1.0, steps=1, guidance=3.5)
    assert (read[0] - (pictures * 2 - 1)).abs().max() < 0.01


def test_adapters_are_switched_on_one_at_a_time_and_off_again(model: Model, judge: Judge) -> None:
    rows = list(adapters(model, judge, count=1, tier=0, steps=1, guidance=3.5))
    assert [row["adapter"] for row in rows[1::2]] == ["plain", "sketch"]
    assert [row["of"] for row in rows] == ["renders", "model"] * 2
    assert not model.plain.get_list_adapters()


def test_maps_of_the_measures_are_pictures() -> None:
    pictures, label = render(scenes_of(1, held=True, tier=0))
    for drawn in (edges3(pictures), layout(label)):
        assert drawn.shape == (1, 3, 256, 256)


def test_rows_become_one_markdown_table_for_each_measure(tmp_path: Path) -> None:
    rows = [
        {"measure": "attributes", "steps": 10, "subject": 0.5},
        {"measure": "attributes", "steps": 20, "subject": 0.75, "colour": 1.0},
        {"measure": "edits", "add": 0.25},
    ]
    file = tmp_path / "scores.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)))
    text = table(map(json.loads, file.read_text().splitlines()))
    assert "| steps | subject | colour |" in text
    assert "| 10 | 0.5 |  |" in text
    assert text.count("| --- |") >= 2
    assert "| add |" in text
