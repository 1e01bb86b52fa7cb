"""One step that does what six do: the pairs, their loss, and the stages one after the other."""

import copy
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch
from diffusers import FluxKontextPipeline
from postcard import autoencoder, base, distil, specialise
from postcard.autoencoder import make_autoencoder
from postcard.distil import finished, first_step, levels, of_pairs, still_edits
from postcard.export import load_networks, load_part, pipeline, trained, write
from postcard.latents import PatchBasis
from postcard.model import SIZES, Networks, Size
from postcard.pool import Plan, fill, of_controls, of_edits, of_scenes
from postcard.render import render
from postcard.scene import draw_scene

pytestmark = pytest.mark.filterwarnings("ignore:.FluxPosEmbed.:FutureWarning")  # of diffusers
SMALL = Size(heads=1, double=1, single=1, text=64)


def _networks() -> Networks:
    torch.manual_seed(0)
    networks = Networks(SMALL)
    with torch.no_grad():
        for p in networks.flux.parameters():
            p.add_(0.05 * torch.randn_like(p))  # no gate is closed, as after training
    return networks.requires_grad_(requires_grad=False)


def _pairs(count: int) -> tuple[dict[str, torch.Tensor], list[str]]:
    torch.manual_seed(1)
    tensors = {name: torch.randn(count, 64, 128) for name in ("noise", "tokens")}
    return tensors | {"guidance": torch.full((count,), 3.5)}, ["a red car"] * count


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for the runs of a tiny model, with pools of six examples."""
    monkeypatch.setitem(SIZES, "tiny", SMALL)
    monkeypatch.setattr("postcard.pool.SHARD", 6)
    monkeypatch.setattr("postcard.pool.AT_ONCE", 3)
    monkeypatch.setattr("postcard.distil.AT_ONCE", 3)
    pictures, _ = render([draw_scene(Random(seed)) for seed in range(16)])
    PatchBasis.fit(pictures).save(tmp_path / "basis.pt")
    return tmp_path


def test_pairs_end_where_the_stock_pipeline_ends(runs: Path) -> None:
    networks = _networks()
    torch.save(make_autoencoder().decoder.state_dict(), runs / "decoder.pt")
    pipe = pipeline(networks, runs)
    pipe.set_progress_bar_config(disable=True)
    noise = torch.randn(2, 64, 128)
    said, guidance = ["a red car", "a cat at night"], 2.5
    made = finished(networks, noise, networks.tokens_of(said), torch.full((2,), guidance))
    stock = pipe(
        prompt=said, latents=noise, width=256, height=256, guidance_scale=guidance,
        num_inference_steps=distil.STEPS, max_sequence_length=32, output_type="latent",
        max_area=256 * 256, _auto_resize=False,
    ).images  # fmt: skip
    assert (made - noise).abs().max() > 0.1
    assert (made - stock).abs().max() < 1e-4


def test_levels_fall_from_pure_noise_to_none() -> None:
    found = levels(4)
    assert found[0] == 1
    assert found[-1] == 0
    assert found == sorted(found, reverse=True)


def test_the_teacher_itself_errs_only_in_its_first_step() -> None:
    teacher, (tensors, said) = _networks(), _pairs(4)
    wanted = teacher.velocity(
        tensors["noise"], torch.ones(4), teacher.tokens_of(said), tensors["guidance"]
    )
    assert first_step(teacher, teacher, (tensors, said)) > 0.5
    straight = tensors | {"tokens": tensors["noise"] - wanted}
    assert first_step(teacher, teacher, (straight, said)) < 1e-6


def test_edits_are_held_to_the_teacher() -> None:
    teacher, some = _networks(), torch.randn(3, 64, 128)
    words = teacher.tokens_of(["make it night"] * 3)
    edits = base.Batch(tokens=some, covered=some[..., 0], words=words, given={"before": some})
    assert still_edits(teacher, teacher, edits) == 0
    other = copy.deepcopy(teacher)
    with torch.no_grad():
        other.flux.proj_out.bias.add_(1.0)
    assert still_edits(other, teacher, edits) == pytest.approx(1.0, abs=1e-3)


def test_the_first_step_is_learnt() -> None:
    teacher, pairs = _networks(), _pairs(4)
    student = copy.deepcopy(teacher)
    learnt = [p.requires_grad_() for p in student.flux.parameters()]
    optimiser = torch.optim.AdamW(learnt, 3e-3)
    losses = []
    for _ in range(12):
        torch.manual_seed(2)
        loss = first_step(student, teacher, pairs)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        optimiser.zero_grad()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]


def test_the_stages_follow_each_other_and_the_result_loads_in_a_stock_pipeline(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, cpu = Plan(runs=runs, tier=0, variety=0.4), torch.device("cpu")
    monkeypatch.setattr("postcard.clock._computed", map(float, count()).__next__)
    once: dict[str, Any] = {"minutes": 8.0, "lr": 1e-3, "device": cpu, "resume": False, "seed": 0}
    for kind, make in (("scenes", of_scenes), ("edits", of_edits), ("controls", of_controls)):
        fill(runs / kind, make, plan, shards=1)
    autoencoder.train(runs, tier=0, variety=0.4, **once)
    base.train(runs, size="tiny", batch=4, start=None, guide_from=0.5, **once)
    assert trained(runs).name == "base.pt"
    fill(runs / "pairs", of_pairs, plan, shards=1)
    distil.train(runs, size="tiny", batch=5, **once)
    assert trained(runs).name == "distilled.pt"
    first, then = (load_networks(runs / f"{name}.pt") for name in ("base", "distilled"))
    assert torch.equal(first.t5.shared.weight, then.t5.shared.weight)
    assert not torch.equal(first.flux.proj_out.weight, then.flux.proj_out.weight)
    specialise.train(runs, kind="layout", batch=2, start=None, **once)
    part = load_part(trained(runs), runs / "parts" / "layout.pt")
    write(pipeline(load_networks(trained(runs)), runs), runs / "model", [part])
    loaded = FluxKontextPipeline.from_pretrained(runs / "model", local_files_only=True)
    assert loaded.transformer.config.num_layers == 1
    assert (runs / "model/controlnets/layout/config.json").exists()
