"""Predictions: what is ahead counts, costs are learned per shape, and the error is told."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest
from engine import tiny
from engine.weaving import mixed, request
from friendli_engine.engine import Engine
from friendli_engine.errors import QueueFullError
from friendli_engine.line import Ticket
from friendli_engine.pace import Pace, Promise, Spent
from friendli_engine.policy import Policy
from friendli_engine.request import Finished, Progress, Queued


@dataclass(eq=False)
class Fake:
    """A request whose steps take as long as the simulation says."""

    steps: int
    ticket: Ticket
    shape: str = "small"
    step: int = 0
    key: str = "net"
    rows: int = 1
    stepping: bool = True
    arrived: float = 0.0
    spent: Spent = field(default_factory=Spent)
    promise: Promise = field(default_factory=Promise)

    @property
    def remaining(self) -> int:
        return self.steps - self.step


def fake(steps: int, deadline: float = 0.0, tenant: str = "", **rest: object) -> Fake:
    return Fake(steps, Ticket(tenant, deadline), **rest)  # type: ignore[arg-type]


def experienced(seconds: float = 1.0, share: float = 0.25) -> Pace:
    """It has seen forwards of four rows."""
    pace, seen = Pace(), fake(1, step=1, spent=Spent(seconds, share, 0.0))
    pace.stepped(seen)
    return pace


def test_a_request_takes_its_own_steps_alone_and_shared_ones_in_company() -> None:
    pace = experienced()
    alone = fake(10, 5)
    assert pace.forecast([alone], [alone]) == [10.0]
    crowd = [fake(10, 1) for _ in range(9)]
    assert pace.forecast([*crowd, alone], [alone]) == [25.0], "100 steps, four in a forward"
    later = [fake(10, 9) for _ in range(50)]
    assert pace.forecast([*crowd, *later, alone], [alone]) == [25.0], "who comes later is no matter"


def test_other_tenants_take_at_most_an_equal_part() -> None:
    pace = experienced()
    one = fake(40, 99, "modest")
    crowd = [fake(40, i, "greedy") for i in range(50)]
    assert pace.forecast([*crowd, one], [one]) == [40.0], "40 shares of its own, 40 of theirs: 20"
    two = fake(400, 99, "modest")
    assert pace.forecast([fake(4, 0, "brief"), two, *crowd], [two]) == [pytest.approx(400.0)]


def test_costs_are_learned_per_shape_and_first_guessed_from_the_last() -> None:
    pace = experienced(1.0)
    assert pace.work("large", 3) == 3.0
    pace.stepped(fake(9, step=2, shape="large", spent=Spent(16.0, 16.0, 0.5)))
    assert pace.work("large", 3) == 3 * 8 + 0.5
    assert pace.work("small", 3) == 3.0


def test_the_error_is_the_median_relative_one_and_a_constant_bias_is_learned() -> None:
    pace = experienced(1.0, 1.0)
    assert pace.error is None
    errors = []
    for _ in range(20):
        one = fake(10)
        one.promise = pace.promise(one, [one])
        pace.ended(one, 15.0)  # half as long again as the forwards alone
        errors.append(abs(one.promise.eta - 15.0) / 15.0)
    assert errors[0] == pytest.approx(1 / 3)
    assert errors[-1] == 0.0
    assert pace.error == 0.0


@pytest.mark.requirement("engine.eta")
def test_under_a_simulated_load_half_of_the_predictions_are_good_to_a_quarter() -> None:
    """Virtual time: arrivals of a kind, forwards that cost 1 + 0.25 per further row, overhead."""
    policy, pace, dice = Policy(), Pace(guess=1.0), random.Random(7)
    now, arriving, running, ended = 0.0, 0.0, list[Fake](), 0
    while ended < 400:
        while arriving <= now:
            steps = dice.choice((1, 4, 10, 20, 50))
            asked = request("r", tenant=dice.choice("ab"))
            ticket = policy.ticket(asked, now=now, work=pace.work("small", steps))
            one = Fake(steps, ticket, arrived=now)
            running.append(one)
            one.promise = pace.promise(one, running)
            arriving += dice.expovariate(1 / 9)
        if not running:
            now = arriving
            continue
        chosen = policy.pick(running, lambda _: range(1, 9))
        seconds = 1 + 0.25 * (len(chosen) - 1)
        now += seconds + 0.3
        present = {r.ticket.tenant for r in running}
        for one in chosen:
            policy.charge(one, seconds / len(chosen), present=present)
            one.spent.stepping += seconds
            one.spent.share += seconds / len(chosen)
            one.step += 1
            pace.stepped(one)
            if not one.remaining:
                running.remove(one)
                pace.ended(one, now - one.arrived)
                ended += 1
    assert pace.error is not None
    assert pace.error < 0.25


def test_the_engine_tells_an_eta_at_submission_and_with_every_step_and_how_wrong_it_was() -> None:
    with Engine(tiny.model(tiny.flux())) as engine:
        assert engine.stats().eta_error is None
        list(engine.generate([request("first", steps=2)]))
        queued = [engine.submit(one) for one in mixed(4)]
        events = list(engine.generate([]))
        stats = engine.stats()
    assert [type(q) for q in queued] == [Queued] * 4
    assert all(q.eta > 0 for q in queued)
    told = {e.id: e.eta for e in events if isinstance(e, Progress) and e.eta is not None}
    assert len(told) == sum(isinstance(e, Finished) for e in events) == 4
    assert stats.eta_error is not None
    assert stats.eta_error >= 0
    assert stats.step_seconds > 0
    (knee,) = {(k.network, k.shape) for k in stats.knees}
    assert knee == ("FluxTransformer2DModel", "4x16")
    assert all(k.rows >= 1 and k.seconds > 0 for k in stats.knees)


def test_a_request_that_would_wait_for_too_long_is_turned_away() -> None:
    with Engine(tiny.model(tiny.flux()), max_wait=0.0) as engine:
        engine.submit(request("first", steps=50))
        with pytest.raises(QueueFullError):
            engine.submit(request("second"))
        engine.cancel("first")
        engine.submit(request("third", steps=50))  # with nobody ahead there is nothing to wait for
