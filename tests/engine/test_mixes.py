"""Random mixes: whoever comes, leaves, fails or is cancelled, a bystander's bytes are its own.

Every example draws requests from a menu of everything that one model can do, when each joins, which
are cancelled and when, and which of them poison their forwards. Whoever was left alone must have
the bytes of the plain pipeline run alone.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import diffusers
import pytest
import torch
from engine import tiny, zoo
from engine.lora import lora
from engine.test_families import picture
from engine.weaving import ANY_GAIN, plainly, request
from friendli_engine.engine import Engine
from friendli_engine.model import Model
from friendli_engine.request import Failed, Finished, ImageRequest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning:diffusers"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:diffusers"),
]
PROMPTS = ("a red car", "a blue house in the snow at night", "cat")
POISON = {
    "night night": "GenerationError",
    "snow snow": "NotFiniteError",
    "car cat": "OutOfMemoryError",
}
"""What a prompt does to every forward that it is in, by the failure that it ends with."""


def poison(pipeline: Any) -> None:
    """Let the denoiser fail, answer NaN or run out of memory when a poisoned prompt is in it."""
    network = pipeline.components.get("transformer") or pipeline.unet
    real, marks = network.forward, {}
    for prompt, kind in POISON.items():
        arguments: dict[str, Any] = {"device": torch.device("cpu"), "num_images_per_prompt": 1}
        if "unet" in pipeline.components:
            arguments["do_classifier_free_guidance"] = False
        else:
            arguments |= {"prompt_2": None, "max_sequence_length": 12}
        with torch.no_grad():
            marks[kind] = pipeline.encode_prompt(prompt, **arguments)[0]

    @functools.wraps(real)
    def forward(*args: Any, encoder_hidden_states: torch.Tensor, **rest: Any) -> Any:
        rows = {
            kind: (encoder_hidden_states - mark).abs().amax(dim=(1, 2)) < 1e-3
            for kind, mark in marks.items()
        }
        if rows["GenerationError"].any():
            raise RuntimeError("this row is poisoned")
        if rows["OutOfMemoryError"].any():
            raise torch.OutOfMemoryError("out of memory")
        (output,) = real(*args, encoder_hidden_states=encoder_hidden_states, **rest)
        bad = rows["NotFiniteError"].view(-1, *[1] * (output.ndim - 1))
        return (torch.where(bad, torch.nan, output),)

    network.forward = forward


def kontext() -> Model:
    """Generates, edits and follows two ControlNets."""
    nets = zoo.two(zoo.flux_controlnet)
    return tiny.model(tiny.flux(diffusers.FluxKontextPipeline), controlnets=nets)


def stable() -> Model:
    """With classifier-free guidance: one row or two."""
    return tiny.model(zoo.sd15(), controlnets=zoo.two(zoo.sd15_controlnet))


@dataclass
class Kitchen:
    """A model, the adapters it may wear, and the bytes that each dish on its menu has to have."""

    make: Callable[[], Model]
    adapters: dict[str, Path]
    edits: bool
    plain: dict[ImageRequest, bytes] = field(default_factory=dict)
    models: dict[str | None, Model] = field(default_factory=dict)

    def dish(self, number: int) -> ImageRequest:
        """The request with this number; equal numbers are equal requests."""
        dice = Random(number)
        task = dice.choice(("generate", "control", "edit" if self.edits else "control"))
        images = tuple(picture(number + j) for j in range(dice.randint(1, 2)))
        weights = tuple(dice.choice((0.0, 0.3, 1.0)) for _ in images)
        return request(
            "",
            prompt=dice.choice(PROMPTS),
            seed=number,
            steps=dice.randint(1, 4),
            guidance=dice.choice((None, 0.0, 1.0, 3.0, 7.5)),
            adapter=dice.choice((None, *self.adapters)),
            images=images[:1] if task == "edit" else (),
            control_images=images if task == "control" else (),
            control_weights=weights if task == "control" else (),
            width=dice.choice((32, 48)),
            height=32,
        )

    def expected(self, dish: ImageRequest) -> bytes:
        """What the plain pipeline gives, with the adapter in it the stock way."""
        if dish not in self.plain:
            if dish.adapter not in self.models:
                model = self.models[dish.adapter] = self.make()
                if dish.adapter:
                    pipeline = next(iter(model.pipelines.values()))
                    pipeline.load_lora_weights(str(self.adapters[dish.adapter]))
            self.plain[dish] = plainly(self.models[dish.adapter], dish)
        return self.plain[dish]


@pytest.fixture(scope="module", params=["flux", "sd15"])
def kitchen(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Kitchen]:
    folder = tmp_path_factory.mktemp("loras")
    if request.param == "sd15":
        yield Kitchen(stable, {}, edits=False)
        return
    adapters = {name: lora(folder / f"{name}.safetensors", i) for i, name in enumerate("ab")}
    yield Kitchen(kontext, adapters, edits=True)


@dataclass(frozen=True)
class Order:
    """Who joins: a dish or a poisoned one, so many steps after the one before, until cancelled."""

    dish: int
    after: int
    poison: str | None
    cancelled: int | None


ORDERS = st.lists(
    st.builds(
        Order,
        dish=st.integers(0, 15),
        after=st.integers(0, 3),
        poison=st.one_of(st.none(), st.none(), st.sampled_from([*POISON])),
        cancelled=st.one_of(st.none(), st.none(), st.integers(0, 8)),
    ),
    min_size=3,
    max_size=8,
)


@dataclass
class Guests:
    """Those at the table: who is to leave after how many steps, and how everybody ended."""

    engine: Engine
    ended: dict[str, bytes | str] = field(default_factory=dict)
    leaving: dict[str, int] = field(default_factory=dict)

    def step(self) -> None:
        for event in self.engine.step():
            assert event.id not in self.ended, "nothing comes after the end"
            if isinstance(event, Finished):
                self.ended[event.id] = event.pixels.data
            elif isinstance(event, Failed):
                self.ended[event.id] = event.kind
        for name, left in self.leaving.items():
            self.leaving[name] = left - 1
            if left == 0:
                self.engine.cancel(name)
                self.ended.setdefault(name, "cancelled")

    def serve(self, asked: list[tuple[Order, ImageRequest]]) -> dict[str, bytes | str]:
        """Bytes or kind of failure by id."""
        for order, one in asked:
            for _ in range(order.after):
                self.step()
            self.engine.submit(one)
            if order.cancelled is not None:
                self.leaving[one.id] = order.cancelled
        while self.engine.busy:
            self.step()
        return self.ended


def check(kitchen: Kitchen, orders: list[Order]) -> None:
    """Run the orders together; everybody ends as it would alone."""
    model = kitchen.make()
    poison(next(iter(model.pipelines.values())))
    asked = []
    for i, order in enumerate(orders):
        dish = kitchen.dish(order.dish)
        asked.append((order, replace(dish, id=str(i), prompt=order.poison or dish.prompt)))
    with Engine(model, gain=ANY_GAIN, max_rows=6) as engine:
        for route, path in kitchen.adapters.items():
            engine.load_adapter(route, path)
        ended = Guests(engine).serve(asked)
    for order, one in asked:
        got = ended[one.id]
        if order.cancelled is not None and got == "cancelled":
            continue
        if order.poison:
            assert got == POISON[order.poison]
        else:
            assert got == kitchen.expected(replace(one, id="")), "a bystander's bytes changed"


COMMON: dict[str, Any] = {
    "deadline": None,
    "derandomize": True,
    "database": None,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
}


@pytest.mark.requirement("engine.isolation")
@pytest.mark.requirement("engine.mixes")
@settings(max_examples=4, **COMMON)
@given(orders=ORDERS)
def test_in_random_mixes_everybody_ends_as_if_alone(kitchen: Kitchen, orders: list[Order]) -> None:
    check(kitchen, orders)


@pytest.mark.slow
@settings(max_examples=100, **COMMON)
@given(orders=ORDERS)
def test_in_many_random_mixes_everybody_ends_as_if_alone(
    kitchen: Kitchen, orders: list[Order]
) -> None:
    check(kitchen, orders)
