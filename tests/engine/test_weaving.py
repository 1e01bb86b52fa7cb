"""Stock Flux requests share forwards and come out as if each had run alone."""

from __future__ import annotations

import greenlet
import pytest
import torch
from engine import tiny
from engine.weaving import (
    ANY_GAIN,
    assert_equal_to_plain,
    joining_one_by_one,
    mixed,
    plainly,
    request,
    woven,
)
from friendli_engine.engine import Engine
from friendli_engine.model import Model
from friendli_engine.request import Failed, Finished, Progress


@pytest.fixture(scope="module")
def model() -> Model:
    return tiny.model(tiny.flux())


@pytest.mark.requirement("engine.weave")
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32], ids=str)
def test_interleaved_requests_give_the_bytes_of_the_plain_pipeline(dtype: torch.dtype) -> None:
    assert_equal_to_plain(tiny.model(tiny.flux(), dtype=dtype), mixed(10))


def test_requests_with_different_steps_guidance_and_seeds_share_forwards(model: Model) -> None:
    with Engine(model, gain=ANY_GAIN) as engine:
        for one in mixed(8):
            engine.submit(one)
        while engine.busy:
            engine.step()
        stats = engine.stats()
    # 8 requests with 38 steps in all; the longest has 10 and every forward advances all in it
    assert stats.finished == 8
    assert stats.forwards <= 10 + 4 + 8, "steps (10), text encodes (2 × 2), decodes (8)"


@pytest.mark.requirement("engine.reproducible")
def test_a_picture_does_not_depend_on_what_else_runs(model: Model) -> None:
    probe = request("probe", seed=7, steps=5)
    alone = woven(model, [probe, request("other")])["probe"]
    assert woven(model, [*mixed(5), probe, *mixed(8)[5:]])["probe"] == alone


def test_every_step_is_reported_once_and_in_order(model: Model) -> None:
    with Engine(model) as engine:
        events = list(engine.generate(mixed(3)))
    for one in mixed(3):
        steps = [e.step for e in events if isinstance(e, Progress) and e.id == one.id]
        assert steps == list(range(1, one.steps + 1))
        assert [e.id for e in events if isinstance(e, Finished)].count(one.id) == 1


@pytest.mark.requirement("engine.cancel")
@pytest.mark.parametrize("after", range(9))
def test_a_cancelled_request_is_gone_at_once_and_disturbs_nobody(model: Model, after: int) -> None:
    """With 3 steps the request is queued, encoding twice, stepping, decoding, ended: 0..8."""
    stays, leaves = request("stays", seed=5, steps=6), request("leaves", steps=3)
    with Engine(model, gain=ANY_GAIN) as engine:
        for one in (stays, leaves):
            engine.submit(one)
        events = [event for _ in range(after) for event in engine.step()]
        ended_before = any(isinstance(e, Finished) and e.id == "leaves" for e in events)
        engine.cancel("leaves")
        assert engine.stats().active + engine.stats().queued == 1
        after_cancel = [event for _ in range(12) for event in engine.step()]
        assert engine.stats().cancelled == (not ended_before)
    assert not [event for event in after_cancel if event.id == "leaves"]
    pictures = [e.pixels.data for e in after_cancel if isinstance(e, Finished)]
    assert pictures == [plainly(model, stays)]


@pytest.mark.requirement("engine.isolation")
def test_a_failing_forward_is_split_until_only_the_culprit_fails() -> None:
    model = tiny.model(tiny.flux())
    network = model.pipelines["generate"].transformer
    real = network.forward

    def forward(*args: object, guidance: torch.Tensor, **rest: object) -> object:
        if (guidance == 6.5).any():
            raise RuntimeError("this row is poisoned")
        return real(*args, guidance=guidance, **rest)

    network.forward = forward
    asked = mixed(6)
    asked.insert(3, request("culprit", guidance=6.5))
    expected = {one.id: plainly(model, one) for one in asked if one.id != "culprit"}
    got = woven(model, asked)
    assert got.pop("culprit") == "GenerationError"
    assert got == expected


def test_a_row_that_is_not_a_number_fails_alone() -> None:
    model = tiny.model(tiny.flux())
    network = model.pipelines["generate"].transformer
    real = network.forward

    def forward(*args: object, guidance: torch.Tensor, **rest: object) -> object:
        (output,) = real(*args, guidance=guidance, **rest)
        return (torch.where((guidance == 6.5)[:, None, None], torch.nan, output),)

    network.forward = forward
    asked = [*mixed(5), request("culprit", guidance=6.5)]
    expected = {one.id: plainly(model, one) for one in asked[:-1]}
    got = woven(model, asked)
    assert got.pop("culprit") == "NotFiniteError"
    assert got == expected


def test_want_of_memory_shrinks_the_batch_and_nobody_fails() -> None:
    model = tiny.model(tiny.flux())
    network = model.pipelines["generate"].transformer
    real, sizes = network.forward, []

    def forward(hidden_states: torch.Tensor, **rest: object) -> object:
        sizes.append(len(hidden_states))
        if len(hidden_states) > 2 and full:
            raise torch.OutOfMemoryError("out of memory")
        return real(hidden_states, **rest)

    network.forward, full = forward, False
    asked = [request(str(i), seed=i, steps=8) for i in range(6)]
    expected = {one.id: plainly(model, one) for one in asked}
    with Engine(model, gain=ANY_GAIN, max_rows=6) as engine:
        joining_one_by_one(engine, mixed(2))  # the profile is made while there is memory
        sizes.clear()
        full = True
        got = joining_one_by_one(engine, asked)
    assert got == expected
    assert sizes.count(6) + sizes.count(5) + sizes.count(4) + sizes.count(3) <= 3, sizes


def test_closing_gives_the_networks_their_own_methods_back() -> None:
    pipeline = tiny.flux()
    before = [pipeline.transformer.forward, pipeline.vae.decode]
    engine = Engine(tiny.model(pipeline))
    engine.submit(request("left behind", steps=5))
    engine.step()
    engine.close()
    assert [pipeline.transformer.forward, pipeline.vae.decode] == before
    assert not engine.busy


def test_a_pipeline_that_raises_fails_only_its_own_request(model: Model) -> None:
    bad = request("bad", width=16, height=16, prompt=None)  # refused by the pipeline itself
    with Engine(model) as engine:
        engine.submit(bad)
        engine.submit(request("good"))
        endings = {e.id: e for e in engine.generate([]) if isinstance(e, Finished | Failed)}
    assert isinstance(endings["bad"], Failed)
    assert endings["bad"].kind == "GenerationError"
    assert isinstance(endings["good"], Finished)


def test_gradients_and_random_state_outside_are_left_alone(model: Model) -> None:
    torch.manual_seed(3)
    state = torch.get_rng_state()
    with Engine(model) as engine:
        engine.submit(request("one"))
        engine.step()
        engine.step()
        assert torch.is_grad_enabled()
        engine.cancel("one")
        assert torch.is_grad_enabled()
    assert torch.equal(torch.get_rng_state(), state)
    assert greenlet.getcurrent().parent is None
