"""The shipped directory loads in a stock pipeline and its pictures follow the prompt."""

import json
from typing import Any

import friendli_postcard
import pytest
import torch
from diffusers import FluxControlNetModel, FluxControlNetPipeline, FluxKontextPipeline
from PIL import Image, ImageDraw
from postcard.captions import prompt
from postcard.controls import edges3
from postcard.measures import edge_f1, scenes_of
from postcard.pipelines import Model, control, generate
from postcard.render import render


@pytest.fixture(scope="module")
def pipe() -> Any:
    loaded = FluxKontextPipeline.from_pretrained(
        friendli_postcard.path(), dtype=torch.float32, local_files_only=True
    )
    loaded.set_progress_bar_config(disable=True)
    return loaded


def _wishes() -> Any:
    return json.loads((friendli_postcard.path() / "serving.json").read_text())


def _picture(
    pipe: Any, prompt: str, *, steps: int = 2, seed: int = 0, guidance: float = 3.5, **more: Any
) -> Any:
    wishes = _wishes()
    if isinstance(pipe, FluxKontextPipeline):
        more |= {"max_area": wishes["width"] * wishes["height"], "_auto_resize": False}
    with torch.inference_mode():
        return pipe(
            prompt=prompt,
            width=wishes["width"],
            height=wishes["height"],
            num_inference_steps=steps,
            guidance_scale=guidance,
            max_sequence_length=wishes["max_text_length"],
            generator=torch.Generator().manual_seed(seed),
            output_type="pt",
            **more,
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


@pytest.mark.requirement("postcard.one-step")
def test_one_step_shows_the_picture_that_ten_steps_make(pipe: Any) -> None:
    prompt = "a yellow bus in the desert at sunset"
    at_once, in_ten = (_picture(pipe, prompt, steps=steps) for steps in (1, 10))
    other = _picture(pipe, prompt, steps=10, seed=1)
    away = (at_once - in_ten).abs().mean()
    assert away < 0.05
    assert away < 0.8 * (other - in_ten).abs().mean()


@pytest.mark.requirement("S4.guidance")
def test_guidance_is_an_input_of_the_model(pipe: Any) -> None:
    low = _picture(pipe, "a dog on the beach", guidance=1.0)
    assert not torch.equal(low, _picture(pipe, "a dog on the beach", guidance=6.0))


def test_an_edit_changes_what_it_says_and_keeps_the_rest(pipe: Any) -> None:
    before = _picture(pipe, "a red car in the desert on a sunny day", steps=8)
    night = _picture(pipe, "make it night", steps=8, image=before[None])
    assert night[:, :80].mean() < 0.6 * before[:, :80].mean()
    meadow = _picture(pipe, "change the background to a green meadow", steps=8, image=before[None])
    ground = meadow[:, 230:].mean((1, 2))
    assert ground[1] > ground[0]
    assert (meadow[:, :50] - before[:, :50]).abs().mean() < 0.08


@pytest.mark.filterwarnings("ignore:.FluxPosEmbed.:FutureWarning")  # of diffusers itself
@pytest.mark.parametrize("name", ["edges", "layout"])
def test_a_controlnet_steers_by_its_weight_and_not_at_all_at_zero(pipe: Any, name: str) -> None:
    net = FluxControlNetModel.from_pretrained(
        friendli_postcard.path() / "controlnets" / name, torch_dtype=torch.float32
    )
    shared = {
        k: v for k, v in pipe.components.items() if k not in ("image_encoder", "feature_extractor")
    }
    steered = FluxControlNetPipeline(**shared, controlnet=net)
    steered.set_progress_bar_config(disable=True)
    control = Image.new("RGB", (256, 256), "#000000" if name == "edges" else "#70c5e8")
    draw = ImageDraw.Draw(control)
    if name == "edges":
        draw.line((0, 60, 256, 60), "#ffffff", 3)
    else:
        draw.rectangle((0, 60, 256, 256), "#6aa84f")
    made = [
        _picture(
            steered, "in a green meadow on a sunny day", steps=4,
            control_image=control, controlnet_conditioning_scale=weight,
        )
        for weight in (0.0, 0.5, 1.0)
    ]  # fmt: skip
    free = _picture(pipe, "in a green meadow on a sunny day", steps=4)
    assert torch.equal(made[0], free)
    moved = [(picture - free).abs().mean() for picture in made]
    assert 0 < moved[1] < moved[2]


@pytest.mark.filterwarnings("ignore:.FluxPosEmbed.:FutureWarning")  # of diffusers itself
@pytest.mark.requirement("postcard.outlines")
def test_pictures_follow_given_outlines() -> None:
    model, scenes = Model(friendli_postcard.path()), scenes_of(4, held=True, tier=1)
    prompts, wanted = [prompt(scene) for scene in scenes], edges3(render(scenes)[0])
    free = generate(model.plain, prompts, steps=8, guidance=3.5)
    steered = control(
        model.controlled("edges"), prompts, wanted, weight=1.0, steps=8, guidance=3.5
    )  # fmt: skip
    assert edge_f1(edges3(free), wanted) < 0.5
    assert edge_f1(edges3(steered), wanted) > 0.7


@pytest.mark.parametrize("name", ["flat", "sketch"])
def test_an_adapter_changes_the_manner_and_not_the_scene(pipe: Any, name: str) -> None:
    plain = _picture(pipe, "a house in the snow on a sunny day", steps=8)
    pipe.load_lora_weights(
        friendli_postcard.path() / "adapters", weight_name=f"{name}.safetensors", adapter_name=name
    )
    styled = _picture(pipe, "a house in the snow on a sunny day", steps=8)
    pipe.unload_lora_weights()
    assert torch.equal(plain, _picture(pipe, "a house in the snow on a sunny day", steps=8))
    assert 0.01 < (styled - plain).abs().mean() < 0.3


def test_the_directory_is_small_and_safe() -> None:
    files = [f for f in friendli_postcard.path().rglob("*") if f.is_file()]
    assert sum(f.stat().st_size for f in files) < 55 * 2**20
    assert all(f.stat().st_size < 16 * 2**20 for f in files)
    assert not [f for f in files if f.suffix in {".bin", ".pt", ".pkl", ".py"}]
