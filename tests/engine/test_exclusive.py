"""`exclusive=True`: from beginning to end nothing else runs, and others get their turn."""

from __future__ import annotations

import pytest
from engine import tiny
from engine.weaving import ANY_GAIN, joining_one_by_one, mixed, plainly, request
from friendli_engine.engine import Engine
from friendli_engine.model import Model
from friendli_engine.request import Finished, Progress


@pytest.fixture(scope="module")
def model() -> Model:
    return tiny.model(tiny.flux())


@pytest.mark.requirement("engine.exclusive")
def test_an_exclusive_request_shares_no_forward_and_is_never_interrupted(model: Model) -> None:
    alone = request("alone", seed=9, steps=4, exclusive=True)
    asked = [*mixed(3), alone, *mixed(6)[3:]]
    expected = {one.id: plainly(model, one) for one in asked}
    order: list[str] = []
    with Engine(model, gain=ANY_GAIN) as engine:
        for one in asked:
            engine.submit(one)
        got: dict[str, bytes] = {}
        while engine.busy:
            before = engine.stats()
            events = engine.step()
            after = engine.stats()
            names = [event.id for event in events if isinstance(event, Progress | Finished)]
            if "alone" in names:
                assert set(names) == {"alone"}
                assert after.rows - before.rows == 1
            order += names
            got |= {e.id: e.pixels.data for e in events if isinstance(e, Finished)}
    assert got == expected
    first, last = order.index("alone"), len(order) - order[::-1].index("alone")
    assert set(order[first:last]) == {"alone"}


def test_others_that_are_under_way_stop_and_go_on_with_the_same_bytes(model: Model) -> None:
    long = request("long", steps=12)
    alone = request("alone", steps=1, exclusive=True)  # more urgent: less work
    expected = {one.id: plainly(model, one) for one in (long, alone)}
    with Engine(model) as engine:
        engine.submit(long)
        for _ in range(5):
            engine.step()
        got = joining_one_by_one(engine, [alone])
    assert got == expected


def test_one_can_be_cancelled_and_those_behind_it_start(model: Model) -> None:
    with Engine(model) as engine:
        engine.submit(request("alone", steps=50, exclusive=True))
        for _ in range(6):
            engine.step()
        engine.submit(request("behind", steps=2))
        engine.step()
        assert engine.stats().queued == 1
        engine.cancel("alone")
        assert joining_one_by_one(engine, [])["behind"]
