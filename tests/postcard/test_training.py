"""The pieces of the training: latents, optimiser, losses. Small sizes, real code."""

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
import torch
from diffusers import FluxControlNetModel, FluxPipeline
from postcard.autoencoder import make_autoencoder, picture_loss
from postcard.base import Batch, flow_loss, push, weigh
from postcard.latents import PatchBasis, pack, unpack, write_encoder
from postcard.model import Networks, Size, fit_rows, matrices_and_rest
from postcard.optim import orthogonalise
from postcard.parts import Controlled, learnt, make_part
from postcard.pool import Plan, Pool, fill, of_controls, of_edits
from postcard.render import render
from postcard.scene import draw_scene

SMALL = Size(heads=1, double=1, single=1, text=64)


@pytest.fixture(scope="module")
def basis() -> PatchBasis:
    rng = Random(0)
    return PatchBasis.fit(render([draw_scene(rng, variety=0.4) for _ in range(24)])[0])


def test_the_linear_latents_keep_most_of_a_picture_and_have_unit_spread(basis: PatchBasis) -> None:
    rng = Random(1)
    pictures, _ = render([draw_scene(rng, held=True, variety=0.4) for _ in range(4)])
    latents = basis.encode(pictures)
    assert latents.shape == (4, 32, 16, 16)
    assert 0.7 < latents.std() < 1.3
    assert (basis.decode(latents) - pictures).square().mean() < 0.004


def test_packing_is_the_pipelines_own_and_unpacking_its_inverse() -> None:
    latents = torch.randn(2, 32, 16, 16)
    assert torch.equal(pack(latents), FluxPipeline._pack_latents(latents, 2, 32, 16, 16))
    assert torch.equal(unpack(pack(latents)), latents)


def test_orthogonalised_matrices_have_singular_values_near_one() -> None:
    values = torch.linalg.svdvals(orthogonalise(torch.randn(48, 16), rounds=5))
    assert 0.5 < values.min() <= values.max() < 1.5


def test_tokens_under_a_thing_weigh_five_times_as_much() -> None:
    error, covered = torch.zeros(1, 2, 4), torch.tensor([[1.0, 0.0]])
    error[0, 0] = 1
    on_thing = weigh(error, covered)
    assert torch.isclose(on_thing, 5 * weigh(error.flip(1), covered))


def test_every_parameter_has_one_optimiser() -> None:
    networks = Networks(SMALL)
    matrices, rest = matrices_and_rest(networks)
    assert len(matrices) + len(rest) == len(list(networks.parameters()))
    assert all(p.ndim == 2 for p in matrices)


@pytest.mark.parametrize("edit", [False, True])
def test_a_fresh_model_says_no_flow_and_learns_from_one_batch(edit: bool) -> None:
    torch.manual_seed(0)
    networks = Networks(SMALL)
    given = {"before": torch.randn(4, 64, 128)} if edit else {}
    words = networks.tokens_of(["a red car", "a cat", "a house at night", ""])
    batch = Batch(
        tokens=torch.randn(4, 64, 128), covered=torch.rand(4, 64), words=words, given=given
    )
    assert push(networks, batch.tokens, torch.rand(4), words, given).abs().max() == 0
    loss = flow_loss(networks, batch, teacher=networks)
    loss.backward()  # type: ignore[no-untyped-call]
    assert networks.flux.proj_out.weight.grad.abs().sum() > 0
    assert 1.5 < loss.item() < 2.5


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_batch_may_have_no_guided_row_or_no_other(
    share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("postcard.base.GUIDED", share)
    networks = Networks(SMALL)
    tokens, words = torch.randn(2, 64, 128), networks.tokens_of(["a red car", "a cat"])
    batch = Batch(tokens=tokens, covered=torch.rand(2, 64), words=words, given={})
    assert flow_loss(networks, batch, teacher=networks).isfinite()


def test_weights_of_a_model_with_fewer_words_fit_and_new_words_keep_their_start() -> None:
    networks = Networks(SMALL)
    state = {name: torch.ones_like(value) for name, value in networks.state_dict().items()}
    state["t5.shared.weight"] = state["t5.shared.weight"][:-5]
    fitted = fit_rows(state, networks)["t5.shared.weight"]
    assert (fitted[:-5] == 1).all()
    assert torch.equal(fitted[-5:], networks.state_dict()["t5.shared.weight"][-5:])


def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postcard.pool.SHARD", 6)
    monkeypatch.setattr("postcard.pool.AT_ONCE", 3)


def test_the_pool_grows_on_disk_and_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _few(monkeypatch)
    plan, folder = Plan(runs=tmp_path, tier=0, variety=0.4), tmp_path / "edits"
    fill(folder, of_edits, plan, shards=1)
    pool = Pool(folder, seed=0)
    fill(folder, of_edits, plan, shards=2)
    assert pool.refresh() == 12
    tensors, edits = pool.batch(5, torch.device("cpu"))
    assert tensors["tokens"].shape == tensors["before"].shape == (5, 64, 128)
    assert tensors["covered"].amax(1).min() > 0.2
    assert len(edits) == 5


def test_outlines_and_layouts_are_stored_beside_their_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _few(monkeypatch)
    plan = Plan(runs=tmp_path, tier=0, variety=0.4)
    tensors, scenes = of_controls(Random(0), plan)
    assert tensors["edges"].shape == tensors["layout"].shape == (3, 64, 128)
    assert len(scenes) == 3


@pytest.mark.filterwarnings("ignore:.FluxPosEmbed.:FutureWarning")  # of diffusers itself
@pytest.mark.parametrize("kind", ["edges", "flat"])
def test_an_untrained_part_changes_nothing_and_only_it_learns(kind: str) -> None:
    torch.manual_seed(0)
    base = Networks(SMALL)
    torch.nn.init.normal_(base.flux.proj_out.weight, std=0.1)
    noisy, when, guidance = torch.randn(2, 64, 128), torch.rand(2), torch.ones(2)
    words = base.tokens_of(["a red car", "a cat"])
    alone = base.velocity(noisy, when, words, guidance)
    part = make_part(base, kind)
    assert torch.equal(part.velocity(noisy, when, words, guidance, edges=noisy), alone)
    batch = Batch(tokens=noisy, covered=torch.rand(2, 64), words=words, given={"edges": noisy})
    flow_loss(part, batch, None).backward()  # type: ignore[no-untyped-call]
    changed = [name for name, p in part.named_parameters() if p.grad is not None]
    assert changed
    assert all("net." in name or "lora" in name for name in changed)


@pytest.mark.filterwarnings("ignore:.FluxPosEmbed.:FutureWarning")  # of diffusers itself
@torch.inference_mode()
def test_a_deep_control_net_begins_as_the_trained_shallow_one() -> None:
    torch.manual_seed(0)
    base = Networks(replace(SMALL, double=2, single=3))
    for p in base.parameters():
        p.add_(0.05 * torch.randn_like(p))  # no gate is closed, as after training
    shallow, deep = (Controlled(base, "edges", depth) for depth in ((1, 1), (2, 3)))
    for learning in learnt(shallow):
        learning.add_(0.05 * torch.randn_like(learning))
    asked = {
        "noisy": torch.randn(2, 64, 128), "when": torch.rand(2), "guidance": torch.ones(2),
        "words": base.tokens_of(["a red car", "a cat"]), "edges": torch.randn(2, 64, 128),
    }  # fmt: skip
    wanted = shallow.velocity(**asked)
    assert not torch.allclose(deep.velocity(**asked), wanted)
    deep.begin_as(shallow)
    assert torch.equal(deep.velocity(**asked), wanted)


@pytest.mark.filterwarnings("ignore:.FluxPosEmbed.:FutureWarning")  # of diffusers itself
@pytest.mark.parametrize("kind", ["edges", "flat"])
def test_a_written_part_is_read_by_the_stock_pipeline(kind: str, tmp_path: Path) -> None:
    base = Networks(SMALL)
    make_part(base, kind).write(tmp_path)
    if kind == "edges":
        net = FluxControlNetModel.from_pretrained(tmp_path / "controlnets/edges")
        assert net.config.num_layers == 1
    else:
        state = FluxPipeline.lora_state_dict(tmp_path / "adapters/flat.safetensors")
        assert all("lora" in name for name in state)


def test_the_autoencoder_makes_sixteenth_size_latents_and_pictures_of_full_size() -> None:
    vae = make_autoencoder()
    with torch.inference_mode():
        latents = vae.encode(torch.zeros(1, 3, 64, 64)).latents
        picture = vae.decode(latents).sample
    assert latents.shape == (1, 32, 4, 4)
    assert picture.shape == (1, 3, 64, 64)
    assert picture_loss(picture, picture) == 0


def test_the_encoder_is_the_linear_map_itself(basis: PatchBasis) -> None:
    pictures, _ = render([draw_scene(Random(2), tier=2)])
    encoder = make_autoencoder().encoder
    write_encoder(basis, encoder, scale=4.0)
    with torch.inference_mode():
        latents = encoder(pictures * 2 - 1) * 4
    assert (latents - basis.encode(pictures)).abs().max() < 0.02
