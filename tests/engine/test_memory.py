"""Bytes are measured once per shape; what does not fit waits, and what never fits is refused."""

from __future__ import annotations

import sys

import pytest
import torch
from engine import tiny
from engine.weaving import joining_one_by_one, plainly, request
from friendli_engine import memory
from friendli_engine.engine import Engine
from friendli_engine.errors import TooLargeError
from friendli_engine.memory import Memory, held, peak
from friendli_engine.model import Model, Shape
from friendli_engine.request import Finished

CPU = torch.device("cpu")
SMALL, LARGE = Shape("generate", 32, 32, 0, False), Shape("generate", 64, 64, 0, False)


@pytest.fixture(scope="module")
def model() -> Model:
    return tiny.model(tiny.flux())


def test_the_peak_counts_what_lived_at_once_and_not_what_came_after_another() -> None:
    def work() -> int:
        for _ in range(5):
            pair = [torch.empty(1000, dtype=torch.uint8) for _ in range(2)]
            del pair
        return 7

    answer, most = peak(CPU, work)
    assert answer == 7
    assert 2000 <= most < 3000


def test_what_is_held_counts_every_storage_once_and_looks_into_containers() -> None:
    base = torch.empty(100, dtype=torch.float32)

    def inner() -> int:
        view, nested = base[:10], {"a": [torch.empty(50, dtype=torch.uint8)]}
        return held(sys._getframe(), CPU, [view, nested])

    assert inner() == 400 + 50
    assert held(None, CPU) == 0


def settled(budget: int) -> Memory:
    seen = Memory(CPU, budget)
    footprint = seen.footprint(SMALL)
    footprint.held, footprint.settled = 100, True
    footprint.saw("net", 40)
    footprint.saw("decoder", 60)
    return seen


def test_requests_hold_their_own_and_share_the_room_that_one_forward_needs() -> None:
    seen = settled(360)
    assert seen.taken([SMALL] * 3) == 3 * 100 + 60
    assert seen.fits([SMALL] * 3)
    assert not seen.fits([SMALL] * 4)


def test_a_shape_that_was_never_seen_is_judged_by_its_pixels() -> None:
    assert settled(1000).needs(LARGE) == (400, 240)
    assert Memory(CPU, 1000).needs(LARGE) == (0, 0), "nothing is known yet"


@pytest.mark.requirement("engine.memory")
def test_requests_beyond_the_budget_wait_and_come_out_the_same(model: Model) -> None:
    asked = [request(str(i), seed=i, steps=3) for i in range(5)]
    expected = {one.id: plainly(model, one) for one in asked}
    with Engine(model) as engine:
        joining_one_by_one(engine, asked[:1])
        one = engine.stats().memory_taken
        assert one == 0, "nothing runs"
        footprint = engine.memory.footprint(model.shape_of(asked[0]))
        assert footprint.settled
        assert footprint.held > 0
        assert footprint.working > 0
        engine.memory.budget = 2 * footprint.held + footprint.working
        for each in asked:
            engine.submit(each)
        most, got = 0, dict[str, bytes]()
        while engine.busy:
            got |= {e.id: e.pixels.data for e in engine.step() if isinstance(e, Finished)}
            most = max(most, engine.stats().active)
            assert engine.stats().memory_taken <= engine.memory.budget
    assert got == expected
    assert most == 2


def test_a_picture_that_never_fits_is_refused_at_submit(model: Model) -> None:
    with Engine(model, memory=1 << 40) as engine:
        joining_one_by_one(engine, [request("small")])
        engine.memory.budget = sum(engine.memory.needs(model.shape_of(request("small"))))
        with pytest.raises(TooLargeError) as refusal:
            engine.submit(request("large", width=256, height=256))
        assert refusal.value.param == "width"
        assert not engine.busy
        assert isinstance(joining_one_by_one(engine, [request("again")])["again"], bytes)


def test_the_budget_is_most_of_what_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available", lambda _: 1000)
    assert Memory(CPU).budget == 900
    assert Memory(CPU, 5).budget == 5


def test_this_machine_tells_how_much_is_free() -> None:
    assert 0 < memory.available(CPU) < memory.UNKNOWN
