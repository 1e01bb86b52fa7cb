"""Requests that wait stay in order as they come and go, and only those asked for are looked at."""

from __future__ import annotations

from dataclasses import dataclass

from friendli_engine.line import Line, Ticket
from friendli_engine.policy import Policy
from hypothesis import given
from hypothesis import strategies as st


@dataclass(eq=False)
class Waiting:
    ticket: Ticket


PLACES = st.lists(
    st.tuples(st.sampled_from("ab"), st.integers(0, 5), st.booleans()), min_size=1, max_size=20
)


@given(PLACES, st.data())
def test_whoever_comes_and_goes_the_line_is_what_ordering_it_anew_would_give(
    places: list[tuple[str, int, bool]], data: st.DataObject
) -> None:
    requests = [Waiting(Ticket(*place)) for place in places]
    line = Line(requests)
    for gone in data.draw(st.sets(st.sampled_from(range(len(requests))))):
        line.remove(requests[gone])
        requests[gone] = Waiting(Ticket("gone", 0))
    left = [one for one in requests if one.ticket.tenant != "gone"]
    ordered = Policy().order(left)
    assert line.queues == {
        tenant: [one for one in ordered if one.ticket.tenant == tenant]
        for tenant in {one.ticket.tenant for one in left}
    }
    assert sorted(map(id, line)) == sorted(map(id, left))
    assert len(line) == len(left)
    assert line.exclusive == sum(one.ticket.exclusive for one in left)
    early = [one for one in left if one.ticket.deadline <= 2]
    assert sorted(map(id, line.until(2))) == sorted(map(id, early))
