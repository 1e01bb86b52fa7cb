"""Prompts are read once and no bit changes; steps are skipped only when asked, and told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from engine import tiny, zoo
from engine.lora import lora, plain_with
from engine.weaving import ANY_GAIN, PROMPTS, joining_one_by_one, plainly, request
from friendli_engine.caches import PromptCache, StepCache
from friendli_engine.capability import check
from friendli_engine.engine import Engine
from friendli_engine.errors import InvalidRequestError
from friendli_engine.model import Model
from friendli_engine.network import ParkedCall
from friendli_engine.request import Finished, ImageRequest

pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning:diffusers"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:diffusers"),
]
FAMILIES: dict[str, Callable[[], Model]] = {
    "flux": lambda: tiny.model(tiny.flux()),
    "sd15": lambda: tiny.model(zoo.sd15()),
    "sdxl": lambda: tiny.model(zoo.sdxl()),
}


@pytest.mark.requirement("engine.caches")
@pytest.mark.parametrize("family", FAMILIES)
def test_prompts_that_were_read_before_are_not_read_again_and_no_bit_changes(family: str) -> None:
    asked = [request(str(i), prompt=PROMPTS[i % 2], seed=i, steps=1 + i % 3) for i in range(6)]
    model = FAMILIES[family]()
    expected = {one.id: plainly(model, one) for one in asked}
    with Engine(model, gain=ANY_GAIN, prompt_memory=0) as engine:
        assert joining_one_by_one(engine, asked) == expected
        without = engine.stats()
    with Engine(model, gain=ANY_GAIN) as engine:
        assert joining_one_by_one(engine, asked) == expected
        stats = engine.stats()
    assert (without.prompt_hits, without.prompt_misses) == (0, 0)
    assert stats.prompt_hits >= 2, "those that join while the first is being read, read as well"
    assert stats.prompt_hits + stats.prompt_misses == len(asked)
    assert stats.rows < without.rows, "text encoders ran less"


def test_an_adapter_of_the_text_encoder_reads_prompts_for_itself(tmp_path: Any) -> None:
    path = lora(tmp_path / "words.safetensors", 1, text=True)
    asked = [request(str(i), adapter=route) for i, route in enumerate((None, "w", None, "w"))]
    with Engine(tiny.model(tiny.flux())) as engine:
        engine.load_adapter("w", path)
        got = [joining_one_by_one(engine, [one])[one.id] for one in asked]
        assert (engine.stats().prompt_hits, engine.stats().prompt_misses) == (2, 2)
    plain = [plainly(plain_with(p), request("r")) for p in (None, path)]
    assert got == plain * 2
    assert plain[0] != plain[1]


class Reader:
    """A pipeline, as far as reading prompts is concerned."""

    def __init__(self) -> None:
        self.read = 0

    def encode_prompt(self, prompt: Any, **_: Any) -> tuple[torch.Tensor, None]:
        self.read += 1
        return torch.full((4,), float(len(str(prompt)))), None


def test_the_cache_keeps_to_its_budget_and_drops_what_was_not_used_longest() -> None:
    cache, reader = PromptCache(3 * 16), Reader()
    cache.attend(reader, None)
    for prompt in ("a", "bb", "ccc", "a", "dddd"):
        reader.encode_prompt(prompt)
        assert cache.counts()["prompt_bytes"] <= 3 * 16
    assert reader.read == 4
    reader.encode_prompt("a")
    assert reader.read == 4, "it was used lately"
    reader.encode_prompt("bb")
    assert reader.read == 5, "it had to go"


def test_entries_are_copies_and_what_cannot_be_compared_is_not_kept() -> None:
    cache, reader = PromptCache(), Reader()
    cache.attend(reader, None)
    reader.encode_prompt("a")[0].zero_()
    reader.encode_prompt("a")[0].zero_()
    assert reader.encode_prompt("a")[0].tolist() == [1.0] * 4
    for _ in range(2):
        reader.encode_prompt("a", image=torch.ones(1))
    assert reader.read == 3
    reader.encode_prompt("a", copies=1)
    reader.encode_prompt("a", copies=True)
    assert reader.read == 5, "1 is not True"


def skipping(threshold: float) -> list[ImageRequest]:
    return [
        request(str(i), seed=i, steps=6, step_cache=threshold if i % 2 else 0.0) for i in range(4)
    ]


def finished(model: Model, asked: list[ImageRequest], **options: Any) -> dict[str, Finished]:
    ended: dict[str, Finished] = {}
    with Engine(model, **options) as engine:
        for one in asked:
            engine.submit(one)
        while engine.busy:
            ended |= {e.id: e for e in engine.step() if isinstance(e, Finished)}
    return ended


@pytest.mark.parametrize("family", FAMILIES)
def test_skipped_steps_are_told_and_the_same_whoever_else_runs(family: str) -> None:
    model, asked = FAMILIES[family](), skipping(0.6)
    alone = {one.id: finished(model, [one])[one.id] for one in asked}
    together = finished(model, asked, gain=ANY_GAIN)
    for one in asked:
        assert together[one.id].pixels == alone[one.id].pixels
        assert together[one.id].skipped == alone[one.id].skipped
        assert bool(together[one.id].skipped) == bool(one.step_cache), "only who asked for it"
        if not one.step_cache:
            assert together[one.id].pixels.data == plainly(model, one)
    never = finished(model, [request("r", step_cache=1e-9)])["r"]
    assert never.skipped == 0
    assert never.pixels.data == plainly(model, request("r"))


def calls(*values: float) -> list[ParkedCall]:
    network: Any = None
    return [ParkedCall(network, {"x": torch.tensor([[v]])}, 1, None) for v in values]


def test_a_step_is_skipped_while_the_input_has_moved_little_since_the_last_forward() -> None:
    cache, ran = StepCache(0.25), []
    inputs = calls(1.0, 1.1, 1.2, 1.3, 1.31, 1.32)
    for step, call in enumerate(inputs):
        if (known := cache.recall(call, step=step, last=step == 5)) is None:
            ran.append(step)
            cache.keep(torch.tensor(float(step)))
        else:
            assert float(known) == ran[-1], "the last answer holds"
    assert ran == [0, 3, 5], "movements add up, and the last step always runs"
    assert cache.skipped == 3


def test_all_calls_of_a_step_share_one_decision() -> None:
    cache = StepCache(0.5)
    for call, answer in zip(calls(1.0, 5.0), ("with", "without"), strict=True):
        assert cache.recall(call, step=0, last=False) is None
        cache.keep(answer)
    got = [cache.recall(call, step=1, last=False) for call in calls(1.0, 99.0)]
    assert got == ["with", "without"]
    assert cache.skipped == 1


def test_a_threshold_out_of_range_is_refused_by_name() -> None:
    info = tiny.model(tiny.flux()).info
    for threshold in (-0.1, 1.1, float("nan")):
        with pytest.raises(InvalidRequestError) as refusal:
            check(request("r", step_cache=threshold), info)
        assert refusal.value.param == "step_cache"
