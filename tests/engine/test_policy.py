"""What runs next: urgency, fair shares between tenants, sizes that pay, no starvation."""

from __future__ import annotations

from dataclasses import dataclass

from friendli_engine.policy import Pace, Policy, Ticket
from hypothesis import given
from hypothesis import strategies as st


@dataclass(eq=False)
class Call:
    ticket: Ticket
    key: str = "net"
    rows: int = 1
    stepping: bool = True


def call(deadline: float, tenant: str = "", **rest: object) -> Call:
    return Call(Ticket(tenant, deadline), **rest)  # type: ignore[arg-type]


def up_to(limit: int) -> object:
    return lambda _: range(1, limit + 1)


def test_the_most_urgent_call_decides_which_network_runs() -> None:
    late, urgent, fellow = call(9, key="a"), call(1, key="b"), call(5, key="b")
    assert Policy().pick([late, fellow, urgent], up_to(8)) == [urgent, fellow]  # type: ignore[arg-type]


def test_a_short_request_overtakes_a_long_one_but_not_one_that_waited_long_enough() -> None:
    policy = Policy(slack=3)
    long_ago = policy.ticket("", now=0, work=50)
    short, later = policy.ticket("", now=10, work=1), policy.ticket("", now=148, work=1)
    assert short.deadline < long_ago.deadline < later.deadline


def test_a_forward_takes_only_sizes_that_are_allowed() -> None:
    calls = [call(i) for i in range(7)]
    assert len(Policy().pick(calls, lambda _: {1, 2, 4})) == 4
    assert len(Policy().pick(calls, lambda _: {8})) == 1
    assert len(Policy().pick([call(i, rows=2) for i in range(7)], lambda _: {1, 2, 3, 5})) == 1


def test_preparing_and_stepping_alternate() -> None:
    steps, encodes = [call(1), call(2)], [call(8, stepping=False), call(9, stepping=False)]
    policy = Policy()
    turns = [policy.pick(steps + encodes, up_to(1))[0].stepping for _ in range(6)]  # type: ignore[arg-type]
    assert turns == [True, False, True, False, True, False]


def test_a_tenant_with_many_requests_does_not_hold_up_another() -> None:
    policy = Policy()
    many = [call(i, "greedy") for i in range(100)]
    one = call(1000, "modest")
    policy.charge(many[0], 5.0, present={"greedy", "modest"})
    assert one in policy.pick([*many, one], up_to(4))  # type: ignore[arg-type]


@given(st.lists(st.integers(1, 30), min_size=2, max_size=4))
def test_tenants_get_equal_service_however_much_they_ask(counts: list[int]) -> None:
    policy, present = Policy(), {str(t) for t in range(len(counts))}
    left = [call(i, str(t)) for t, count in enumerate(counts) for i in range(count)]
    served = dict.fromkeys(present, 0)
    for _ in range(min(counts) * len(counts)):
        (chosen,) = policy.pick(left, up_to(1))  # type: ignore[arg-type]
        policy.charge(chosen, 1.0, present=present)
        served[chosen.ticket.tenant] += 1
        left.remove(chosen)
    assert max(served.values()) - min(served.values()) <= 1


@given(st.lists(st.tuples(st.floats(0, 100), st.sampled_from("abc")), min_size=1, max_size=20))
def test_ordering_loses_and_duplicates_nothing(entries: list[tuple[float, str]]) -> None:
    calls = [call(deadline, tenant) for deadline, tenant in entries]
    assert sorted(map(id, Policy().order(calls))) == sorted(map(id, calls))


def test_a_prediction_covers_the_work_ahead_and_at_least_the_own_forwards() -> None:
    pace = Pace()
    pace.observe(0.8, calls=8)
    assert pace.predict(10, 10) == 8.0, "alone, ten forwards"
    assert round(pace.predict(10, 400), 6) == 40.0, "in company, shared ones"
