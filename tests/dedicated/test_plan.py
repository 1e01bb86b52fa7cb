"""The plan for one endpoint, as a table: from what is to what is done."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from friendli_server.dedicated.endpoints.plan import EndpointView, Plan, ReplicaView, plan
from friendli_server.dedicated.endpoints.wire import AutoscalingPolicy


def replica(name: str, state: str = "ready", *, current: bool = True) -> ReplicaView:
    code = "INFERENCE_ENGINE_MEMORY_ERROR" if state == "failed" else None
    return ReplicaView(id=name, state=state, is_current=current, error_code=code)


def planned(*replicas: ReplicaView, low: int = 1, high: int = 1, **changes: Any) -> Plan:
    given = {"goal": "awake", "status": "RUNNING", "demand": 0, "idle_seconds": 0.0, "works": False}
    policy = AutoscalingPolicy(min_replica=low, max_replica=high, cooldown_period=60)
    return plan(EndpointView(policy=policy, replicas=replicas, **{**given, **changes}))


def test_a_new_endpoint_launches_its_least_number_of_replicas() -> None:
    step = planned(status="INITIALIZING", low=2, high=4)
    assert (step.launch, step.status) == (2, "INITIALIZING")
    assert step.phase == "REQUESTING_VIRTUAL_MACHINE"


def test_while_replicas_start_nothing_more_is_launched() -> None:
    step = planned(replica("a", "starting"), status="INITIALIZING")
    assert (step.launch, step.status, step.phase) == (0, "INITIALIZING", "ENGINE_INITIALIZING")


def test_while_no_replica_has_a_place_a_machine_is_awaited() -> None:
    waiting = replace(replica("a", "starting"), phase="REQUESTING_VIRTUAL_MACHINE")
    assert planned(waiting, status="INITIALIZING").phase == "REQUESTING_VIRTUAL_MACHINE"
    assert planned(
        waiting, replica("b", "starting"), low=2, high=2, status="INITIALIZING"
    ).phase == ("ENGINE_INITIALIZING")


def test_while_every_replica_downloads_the_endpoint_does() -> None:
    first, second = (replica(name, "starting") for name in "ab")
    fetching = replace(first, phase="DOWNLOADING_MODEL")
    step = planned(fetching, status="INITIALIZING", low=2, high=2)
    assert step.phase == "DOWNLOADING_MODEL"
    step = planned(fetching, second, status="INITIALIZING", low=2, high=2)
    assert step.phase == "ENGINE_INITIALIZING"


def test_an_endpoint_with_its_replicas_is_left_alone() -> None:
    step = planned(replica("a"))
    assert (step.launch, step.drain, step.forget, step.status) == (0, [], [], "RUNNING")
    assert step.phase is None


@pytest.mark.parametrize(("demand", "launched"), [(0, 0), (1, 0), (2, 1), (3, 2), (9, 2)])
def test_demand_launches_more_up_to_the_most(demand: int, launched: int) -> None:
    assert planned(replica("a"), high=3, demand=demand).launch == launched


def test_several_become_more_without_losing_one() -> None:
    step = planned(replica("a"), replica("b"), high=5, demand=3)
    assert (step.launch, step.drain) == (1, [])


def test_less_demand_drains_what_is_too_much_and_those_not_ready_first() -> None:
    step = planned(replica("a"), replica("b", "starting"), replica("c"), high=3, demand=1)
    assert step.drain == ["b", "a"]


def test_an_update_drains_the_old_only_when_the_new_is_ready() -> None:
    old, coming = replica("old", current=False), replica("new", "starting")
    assert planned(old).launch == 1
    step = planned(old, coming)
    assert (step.launch, step.drain, step.status) == (0, [], "UPDATING")
    step = planned(old, replica("new"))
    assert step.drain == ["old"]


def test_an_update_goes_on_one_by_one_where_there_is_room_for_one_more() -> None:
    """A full cluster has the second new one wait for the first old one's place."""
    old = [replica(name, current=False) for name in "ab"]
    coming = replica("d", "starting")
    assert planned(*old, replica("c", "starting"), coming, low=2, high=2).drain == []
    assert planned(*old, replica("c"), coming, low=2, high=2).drain == ["a"]
    assert planned(old[1], replica("c"), coming, low=2, high=2).drain == []
    assert planned(old[1], replica("c"), replica("d"), low=2, high=2).drain == ["b"]


def test_old_replicas_that_never_became_ready_are_not_waited_for() -> None:
    assert planned(replica("old", "starting", current=False)).drain == ["old"]


def test_three_failures_are_enough_and_say_why() -> None:
    failed = [replica(name, "failed") for name in "abc"]
    assert planned(*failed[:2], status="INITIALIZING").launch == 1
    step = planned(*failed, status="INITIALIZING")
    assert (step.launch, step.status) == (0, "FAILED")
    assert step.error_code == "INFERENCE_ENGINE_MEMORY_ERROR"


def test_failures_of_an_update_leave_the_old_version_serving() -> None:
    failed = [replica(name, "failed") for name in "abc"]
    step = planned(replica("old", current=False), *failed)
    assert (step.launch, step.drain, step.status) == (0, [], "UPDATING")


def test_a_recovery_wipes_the_failures_out() -> None:
    assert planned(replica("a"), replica("b", "failed")).forget == ["b"]


def test_least_zero_dozes_off_after_the_cooldown_and_not_before() -> None:
    assert planned(replica("a"), low=0, idle_seconds=59).goal == "awake"
    step = planned(replica("a"), low=0, idle_seconds=60)
    assert (step.goal, step.status, step.drain) == ("asleep", "SLEEPING", ["a"])


def test_work_in_flight_keeps_it_awake() -> None:
    assert planned(replica("a"), low=0, idle_seconds=600, works=True).goal == "awake"


def test_a_sleeper_that_wakes_says_so() -> None:
    step = planned(low=0, status="SLEEPING")
    assert (step.launch, step.status) == (1, "AWAKING")


def test_termination_drains_all_then_is_over() -> None:
    step = planned(replica("a"), replica("b", current=False), goal="terminated")
    assert (sorted(step.drain), step.status) == (["a", "b"], "TERMINATING")
    assert planned(goal="terminated").status == "TERMINATED"


def test_draining_replicas_count_for_nothing() -> None:
    step = planned(replica("a", "draining"))
    assert (step.launch, step.status) == (1, "INITIALIZING")
