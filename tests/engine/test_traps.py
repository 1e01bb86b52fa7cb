"""Traps of stock pipelines that cost time once, each with a test of its own.

One more is held by the equality matrix of `test_families`: solvers with history.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pytest
import torch
from engine import tiny, zoo
from engine.test_families import picture
from engine.weaving import ANY_GAIN, joining_one_by_one, mixed, plainly, request, woven
from friendli_engine import knee
from friendli_engine.engine import Engine
from friendli_engine.network import SharedNetwork
from friendli_engine.park import park_networks
from friendli_engine.run import view_of


def test_one_step_of_qwen_is_a_number_although_stock_divides_by_zero() -> None:
    model = zoo.TEXT_TO_PICTURE["qwen-image"](torch.float32)
    one = request("one", steps=1)
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")
        stock = model.pipelines["generate"](**model.arguments_for(one)).images[0]
    assert not np.isfinite(stock).all(), "stock is mended: drop the special case"
    with Engine(model) as engine:
        assert isinstance(joining_one_by_one(engine, [one])["one"], bytes)
    assert model.pipelines["generate"].scheduler.config.shift_terminal, "only the view is changed"


@pytest.mark.parametrize("images", [(), (picture(1, 400, 300),)], ids=["generate", "edit"])
def test_kontext_keeps_to_the_native_size_instead_of_a_megapixel(images: tuple[object]) -> None:
    model = zoo.EDITING["flux-kontext"](torch.float32)
    asked = request("small", images=images)
    width, height = model.size_of(asked)
    with Engine(model) as engine:
        got = joining_one_by_one(engine, [asked])["small"]
    assert len(got) == width * height * 3 <= 32 * 32 * 3


def test_a_given_picture_never_decides_the_area() -> None:
    model = zoo.EDITING["instruct-pix2pix"](torch.float32)
    for width, height in ((4000, 10), (10, 4000), (900, 901)):
        size = model.size_of(request("r", images=(picture(1, width, height),)))
        assert size[0] * size[1] <= 32 * 32
        assert min(size) >= model.info.multiple


def test_guidance_zero_is_none_for_cfg_and_the_default_for_embedded_guidance() -> None:
    embedded, free = tiny.model(tiny.flux()), zoo.TEXT_TO_PICTURE["sd3"](torch.float32)
    for guidance, expected in ((None, 3.5), (0.0, 3.5), (2.0, 2.0)):
        arguments = embedded.arguments_for(request("r", guidance=guidance))
        assert arguments["guidance_scale"] == expected
    for guidance, expected in ((None, 7.0), (0.0, 0.0), (2.0, 2.0)):
        assert free.arguments_for(request("r", guidance=guidance))["guidance_scale"] == expected


def test_a_view_shares_weights_but_neither_solver_nor_hooks() -> None:
    pipeline = tiny.flux()
    before = dict(pipeline.config)
    view = view_of(pipeline, torch.device("cpu"))
    assert view.transformer is pipeline.transformer
    assert view.scheduler is not pipeline.scheduler
    assert view._execution_device == torch.device("cpu")
    pipeline.transformer._hf_hook = hook = object()
    view.maybe_free_model_hooks()
    assert pipeline.transformer._hf_hook is hook
    assert dict(pipeline.config) == before


def test_forwards_run_without_gradients_whoever_turned_them_on_in_between() -> None:
    """`@torch.no_grad` of interleaved pipelines restores what another one had."""
    pipeline = tiny.flux()
    real, modes = pipeline.transformer.forward, []

    def forward(hidden_states: torch.Tensor, **rest: object) -> object:
        modes.append((torch.is_inference_mode_enabled(), torch.is_grad_enabled()))
        return real(hidden_states, **rest)

    pipeline.transformer.forward = forward
    with torch.enable_grad(), Engine(tiny.model(pipeline)) as engine:
        joining_one_by_one(engine, mixed(4))
        assert torch.is_grad_enabled()
    assert set(modes) == {(True, False)}


def test_ambient_randomness_is_private_to_each_request() -> None:
    """SD3's ControlNet pipeline draws from the global generator, whatever generator it is given."""
    model = zoo.CONTROLLED["sd3-controlnet"](torch.float32)
    asked = [request(str(i), seed=i, control_images=(picture(1),)) for i in range(3)]
    expected = {one.id: plainly(model, one) for one in asked}
    torch.manual_seed(99)
    state = torch.get_rng_state()
    assert woven(model, asked) == expected
    assert torch.equal(torch.get_rng_state(), state)


def test_a_list_of_one_block_is_not_taken_for_a_list_of_one_row() -> None:
    """Qwen's ControlNet answers with a list of blocks, as long as the rows are many: one."""
    model = zoo.CONTROLLED["qwen-controlnet"](torch.float32)
    images = (picture(1),)
    faint, strong = (
        request(str(w), steps=2, control_images=images, control_weights=(w,)) for w in (0.1, 1.0)
    )
    with Engine(model) as engine:
        got = {name: engine_alone(engine, one) for name, one in (("a", faint), ("b", strong))}
    assert got == {"a": plainly(model, faint), "b": plainly(model, strong)}
    assert got["a"] != got["b"]


def engine_alone(engine: Engine, one: object) -> object:
    (got,) = joining_one_by_one(engine, [one]).values()  # type: ignore[list-item]
    return got


def test_a_timestep_without_dimensions_becomes_one_per_row() -> None:
    """UNets get a bare number: calls at different steps could not share otherwise."""
    unet = zoo.sd15_unet()
    network = SharedNetwork(unet)
    sample, text = torch.zeros(2, 4, 4, 4), torch.zeros(2, 3, tiny.TEXT)
    calls = [
        network.describe((sample, torch.tensor(t)), {"encoder_hidden_states": text}) for t in (1, 9)
    ]
    assert calls[0].key == calls[1].key
    assert [call.arguments["timestep"].tolist() for call in calls] == [[1, 1], [9, 9]]
    network.release()


def test_pictures_are_decoded_one_at_a_time() -> None:
    """Small convolutions choose other kernels for other batch sizes."""
    pipeline = tiny.flux()
    real, sizes = pipeline.vae.decode, []

    def decode(latents: torch.Tensor, **rest: object) -> object:
        sizes.append(len(latents))
        return real(latents, **rest)

    pipeline.vae.decode = decode
    with Engine(tiny.model(pipeline), gain=ANY_GAIN) as engine:
        for i in range(4):
            engine.submit(request(str(i), seed=i, steps=2))
        joining_one_by_one(engine, [])
    assert sizes == [1, 1, 1, 1]


def test_a_decoder_that_keeps_state_between_its_layers_is_never_interrupted() -> None:
    """The VAEs of Qwen and Wan hold a feature cache on themselves during a decode."""
    model = zoo.TEXT_TO_PICTURE["qwen-image"](torch.float32)
    parked = {(network.name, network.method, network.solo) for network in park_networks(model)}
    vae = {entry for entry in parked if entry[0] == "AutoencoderKLQwenImage"}
    assert vae == {("AutoencoderKLQwenImage", m, True) for m in ("encode", "decode")}


def test_a_float16_decoder_that_is_cast_around_its_use_does_not_park() -> None:
    """SDXL casts its VAE to float32 and back: nobody may come between."""
    pipeline = zoo.sdxl()
    pipeline.vae.to(torch.float16)
    names = {network.name for network in park_networks(tiny.model(pipeline, dtype=torch.float16))}
    assert "AutoencoderKL" not in names
    assert "UNet2DConditionModel" in names


class Small(torch.nn.Module):
    """One layer that meets its rows several times, as with a condition that is repeated."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.linear, self.times = torch.nn.Linear(40, 24), times
        self.met: list[object] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.met.append(self.linear.forward)
        made: torch.Tensor = self.linear(x.repeat(self.times, 1))
        return made.view(self.times, len(x), -1).transpose(0, 1)


@pytest.mark.parametrize("times", [1, 2])
@torch.inference_mode()
def test_small_products_are_computed_call_by_call_also_when_rows_are_repeated(times: int) -> None:
    """In float32 a product with one row takes another kernel than one with many."""
    small = Small(times)
    rows = [torch.randn(n, 40) for n in (1, 2, 1)]
    expected = [small(x) for x in rows]
    network = SharedNetwork(small)
    network.keep_small_products_apart()
    together = network.run([network.describe((x,), {}) for x in rows])
    assert all(map(torch.equal, together, expected))


@torch.inference_mode()
def test_a_call_by_itself_meets_the_stock_layers_before_and_after_a_shared_one() -> None:
    """What sharing needs costs only the shared."""
    small = Small(1)
    network = SharedNetwork(small)
    network.keep_small_products_apart()
    call = network.describe((torch.randn(1, 40),), {})
    for calls in ([call], [call, call], [call]):
        network.run(calls)
    assert [met == torch.nn.Linear.forward.__get__(small.linear) for met in small.met] == [
        True, False, True,
    ]  # fmt: skip


def test_guidance_of_one_halves_the_rows_and_mixes_with_others() -> None:
    model = zoo.TEXT_TO_PICTURE["sd3"](torch.float32)
    asked = [request(str(g), steps=2, guidance=g) for g in (0.0, 1.0, 4.0)]
    expected = {one.id: plainly(model, one) for one in asked}
    assert expected["0.0"] == expected["1.0"] != expected["4.0"]
    with Engine(model) as engine:
        joining_one_by_one(engine, asked[:1])
        free = engine.stats().rows
        joining_one_by_one(engine, asked[2:])
        assert engine.stats().rows - free == free + 2 + 2, "two steps and two encodes more"
    assert woven(model, asked) == expected


def tokens(draw: zoo.Draw) -> int:
    """A length drawn from the prompt: short, longer, or beyond Z-Image's block of 32."""
    return (5, 20, 40)[int(draw(1).float().abs().item() * 1000) % 3]


def qwen_words(draw: zoo.Draw) -> dict[str, object]:
    count = tokens(draw)
    ones = torch.ones(1, count, dtype=torch.long)
    return zoo.qwen_words(draw) | {
        "prompt_embeds": draw(1, count, tiny.TEXT),
        "prompt_embeds_mask": ones,
    }


def zimage_words(draw: zoo.Draw) -> dict[str, object]:
    return zoo.lists(draw) | {"prompt_embeds": [draw(tokens(draw), tiny.TEXT)]}


@pytest.mark.parametrize(
    ("make", "words"),
    [(zoo.qwen, qwen_words), (zoo.zimage, zimage_words)],
    ids=["qwen-image", "z-image"],
)
def test_prompts_of_other_lengths_change_nothing_where_the_network_sees_them(
    make: Callable[[], object], words: Callable[..., dict[str, object]]
) -> None:
    """Qwen-Image and Z-Image get as many tokens as the prompt has: padding would change bits."""
    model = tiny.spoken(make(), words, dtype=torch.float32)
    asked = [
        request(str(i), prompt=f"prompt {i}", seed=i, steps=2 + i % 2, guidance=i % 2 * 4.0)
        for i in range(8)
    ]
    assert woven(model, asked) == {one.id: plainly(model, one) for one in asked}


@pytest.mark.requirement("engine.isolation")
def test_capacity_comes_back_after_a_shortage_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(knee, "RECOVERY", 8)
    pipeline = tiny.flux()
    real, sizes, short = pipeline.transformer.forward, [], [False]

    def forward(hidden_states: torch.Tensor, **rest: object) -> object:
        sizes.append(len(hidden_states))
        if short[0] and len(hidden_states) > 1:
            raise torch.OutOfMemoryError("out of memory")
        return real(hidden_states, **rest)

    pipeline.transformer.forward = forward
    with Engine(tiny.model(pipeline), gain=ANY_GAIN, max_rows=4) as engine:
        joining_one_by_one(engine, mixed(2))  # the profile is made while there is memory
        short[0] = True
        crowd = [request(f"short {i}", seed=i, steps=4) for i in range(4)]
        for one in crowd:
            engine.submit(one)
        assert all(isinstance(x, bytes) for x in joining_one_by_one(engine, []).values())
        assert sizes[-1] == 1
        short[0] = False
        sizes.clear()
        for i in range(8):
            engine.submit(request(f"later {i}", seed=i, steps=8))
        joining_one_by_one(engine, [])
        assert sizes[0] < 3, "not at once"
        assert max(sizes) >= 3, "in the end"
