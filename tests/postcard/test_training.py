"""The pieces of the training: latents, optimiser, losses. Small sizes, real code."""

from pathlib import Path
from random import Random

import pytest
import torch
from diffusers import FluxPipeline
from postcard.autoencoder import make_autoencoder, picture_loss
from postcard.base import flow_loss, push, weigh
from postcard.latents import PatchBasis, pack, unpack
from postcard.model import Networks, Size, matrices_and_rest
from postcard.optim import orthogonalise
from postcard.pool import Pool, fill
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


def test_tokens_under_a_thing_weigh_three_times_as_much() -> None:
    error, covered = torch.zeros(1, 2, 4), torch.tensor([[1.0, 0.0]])
    error[0, 0] = 1
    on_thing = weigh(error, covered)
    assert torch.isclose(on_thing, 3 * weigh(error.flip(1), covered))


def test_every_parameter_has_one_optimiser() -> None:
    networks = Networks(SMALL)
    matrices, rest = matrices_and_rest(networks)
    assert len(matrices) + len(rest) == len(list(networks.parameters()))
    assert all(p.ndim == 2 for p in matrices)


def test_a_fresh_model_says_no_flow_and_learns_from_one_batch() -> None:
    torch.manual_seed(0)
    networks = Networks(SMALL)
    tokens, covered = torch.randn(4, 64, 128), torch.rand(4, 64)
    words = networks.tokens_of(["a red car", "a cat", "a house at night", ""])
    assert push(networks, tokens, torch.rand(4), words).abs().max() == 0
    loss = flow_loss(networks, tokens, covered, words, teacher=networks)
    loss.backward()  # type: ignore[no-untyped-call]
    assert networks.flux.proj_out.weight.grad.abs().sum() > 0
    assert 1.5 < loss.item() < 2.5


def test_the_pool_grows_on_disk_and_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("postcard.pool.SHARD", 6)
    fill(tmp_path, shards=1, tier=0, variety=0.4)
    pool = Pool(tmp_path, seed=0)
    assert len(pool.scenes) == 6
    fill(tmp_path, shards=2, tier=0, variety=0.4)
    assert pool.refresh() == 12
    tokens, covered, scenes = pool.batch(5)
    assert tokens.shape == (5, 64, 128)
    assert covered.max() > 0.5
    assert len(scenes) == 5


def test_the_autoencoder_makes_sixteenth_size_latents_and_pictures_of_full_size() -> None:
    vae = make_autoencoder()
    with torch.inference_mode():
        latents = vae.encode(torch.zeros(1, 3, 64, 64)).latents
        picture = vae.decode(latents).sample
    assert latents.shape == (1, 32, 4, 4)
    assert picture.shape == (1, 3, 64, 64)
    assert picture_loss(picture, picture) == 0
