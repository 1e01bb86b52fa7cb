"""What runs next: urgency, fair shares between tenants, sizes that pay, no starvation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.weaving import request
from friendli_engine.line import Line, Ticket
from friendli_engine.policy import Policy
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
    asked = request("r")
    long_ago = policy.ticket(asked, now=0, work=50)
    short, later = policy.ticket(asked, now=10, work=1), policy.ticket(asked, now=148, work=1)
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


def exclusive(deadline: float, tenant: str = "") -> Call:
    return Call(Ticket(tenant, deadline, exclusive=True))


def startable(policy: Policy, waiting: list[Call], running: Sequence[Call] = ()) -> list[Call]:
    return list(policy.startable(Line(waiting), running))


def test_an_exclusive_request_starts_alone_and_only_when_nobody_is_more_urgent() -> None:
    policy = Policy()
    running, alone, later = call(1), exclusive(2), call(3)
    assert startable(policy, [alone, later], [running]) == [later], "somebody is more urgent"
    assert startable(policy, [alone, later]) == [alone]
    assert startable(policy, [later], [running, alone]) == []
    assert startable(policy, [later]) == [later]


def test_exclusive_requests_of_one_tenant_do_not_hold_up_another() -> None:
    policy, present = Policy(), {"greedy", "modest"}
    alone = [exclusive(i, "greedy") for i in range(9)]
    modest = call(1000, "modest")
    (first,) = startable(policy, [*alone, modest])
    assert first in alone
    policy.charge(first, 1.0, present=present)
    alone.remove(first)
    assert startable(policy, [*alone, modest]) == [modest]


def test_a_flood_of_short_requests_holds_a_long_one_up_only_until_its_deadline() -> None:
    """Aging: one short request arrives with every forward, for ever; the long one still ends."""
    policy = Policy(slack=3)
    long = Call(policy.ticket(request("long"), now=0, work=20), key="long")
    left, now, flood = 20, 0, []
    while left:
        ticket = policy.ticket(request("short"), now=now, work=1)
        flood.append(Call(ticket, key="short"))
        (chosen,) = policy.pick([long, *flood], up_to(1))  # type: ignore[arg-type]
        now, left = now + 1, left - (chosen is long)
        if chosen is not long:
            flood.remove(chosen)
        assert now <= 3 * 20 + 20, "its deadline, and its own work after it"


@given(st.lists(st.integers(0, 3), min_size=40, max_size=40))
def test_floods_of_encoding_and_decoding_never_starve_steps(arrivals: list[int]) -> None:
    """Half of the forwards are steps, and every encode and decode is done in the order of need."""
    policy = Policy()
    steps, other, done = [call(1e6 + i) for i in range(3)], [], []
    for now, count in enumerate(arrivals):
        other += [call(now, stepping=False, key=f"{now} {i}") for i in range(count)]
        (chosen,) = policy.pick([*steps, *other], up_to(1))  # type: ignore[arg-type]
        done.append(chosen)
        if not chosen.stepping:
            other.remove(chosen)
    assert sum(c.stepping for c in done) >= len(arrivals) // 2
    deadlines = [c.ticket.deadline for c in done if not c.stepping]
    assert deadlines == sorted(deadlines)
    assert len(deadlines) >= min(sum(arrivals[:-2]), len(arrivals) // 2 - 1) // 2
