"""The shipped directory loads in a stock pipeline and its pictures follow the prompt."""

import json
from typing import Any

import friendli_postcard
import pytest
import torch
from diffusers import FluxPipeline


@pytest.fixture(scope="module")
def pipe() -> Any:
    loaded = FluxPipeline.from_pretrained(
        friendli_postcard.path(), dtype=torch.float32, local_files_only=True
    )
    loaded.set_progress_bar_config(disable=True)
    return loaded


def _wishes() -> Any:
    return json.loads((friendli_postcard.path() / "serving.json").read_text())


def _picture(
    pipe: Any, prompt: str, *, steps: int = 2, seed: int = 0, guidance: float = 3.5
) -> Any:
    wishes = _wishes()
    with torch.inference_mode():
        return pipe(
            prompt,
            width=wishes["width"],
            height=wishes["height"],
            num_inference_steps=steps,
            guidance_scale=guidance,
            max_sequence_length=wishes["max_text_length"],
            generator=torch.Generator().manual_seed(seed),
            output_type="pt",
        ).images[0]


def test_a_picture_has_the_native_size_and_is_not_flat(pipe: Any) -> None:
    picture = _picture(pipe, "a red car in a green meadow")
    assert picture.shape == (3, 256, 256)
    assert picture.isfinite().all()
    assert picture.std() > 0.1


@pytest.mark.requirement("postcard.ships")
def test_the_prompt_decides_the_picture(pipe: Any) -> None:
    day = _picture(pipe, "a red car in a green meadow on a sunny day")
    night = _picture(pipe, "a red car in a green meadow at night")
    assert night.mean() < 0.75 * day.mean()


def test_the_ground_has_the_colour_of_the_place(pipe: Any) -> None:
    meadow = _picture(pipe, "a cat in a green meadow on a sunny day")[:, 230:].mean((1, 2))
    desert = _picture(pipe, "a cat in the desert on a sunny day")[:, 230:].mean((1, 2))
    assert meadow[1] > meadow[0] + 0.1
    assert desert[0] > desert[2] + 0.2


def test_same_seed_same_pixels_other_seed_other_pixels(pipe: Any) -> None:
    first = _picture(pipe, "a dog on the beach")
    assert torch.equal(first, _picture(pipe, "a dog on the beach"))
    assert not torch.equal(first, _picture(pipe, "a dog on the beach", seed=1))


@pytest.mark.requirement("S4.guidance")
def test_guidance_is_an_input_of_the_model(pipe: Any) -> None:
    low = _picture(pipe, "a dog on the beach", guidance=1.0)
    assert not torch.equal(low, _picture(pipe, "a dog on the beach", guidance=6.0))


def test_the_directory_is_small_and_safe() -> None:
    files = [f for f in friendli_postcard.path().rglob("*") if f.is_file()]
    assert sum(f.stat().st_size for f in files) < 40 * 2**20
    assert all(f.stat().st_size < 16 * 2**20 for f in files)
    assert not [f for f in files if f.suffix in {".bin", ".pt", ".pkl", ".py"}]
