"""The cluster simulation's own arithmetic: where the answer is known, it gives it."""

from __future__ import annotations

from random import Random

import pytest
from friendli_server.dedicated.replicas.router import LOADING_STEPS

from benchmarks.cluster.replica import Device, Job, Replica
from benchmarks.cluster.routing import RULES, View
from benchmarks.cluster.simulation import Cluster, Scaling, Traffic

DEVICE = Device(name="two rows", step_seconds=(1.0, 1.5), adapter_seconds=4.0, adapters=1)


def job(steps: int, *, arrived: float = 0.0, adapter: int | None = None) -> Job:
    return Job(arrived=arrived, steps=steps, adapter=adapter, deadline=arrived + 5 * steps)


def ends(replica: Replica) -> list[float]:
    found = []
    while (moment := replica.next_end()) is not None:
        replica.finish(moment)
        found.append(moment)
    return found


def test_two_share_a_forward_and_the_rest_is_alone() -> None:
    replica = Replica(DEVICE)
    replica.take(job(2), 0.0)
    replica.take(job(4), 0.0)
    assert ends(replica) == [3.0, 5.0]


def test_the_earliest_deadline_runs_first() -> None:
    replica = Replica(DEVICE)
    for steps in (10, 10, 1):
        replica.take(job(steps), 0.0)
    assert ends(replica)[0] == 1.5


def test_an_adapter_is_loaded_once_while_it_is_held() -> None:
    replica = Replica(DEVICE)
    clock = 0.0
    for adapter, seconds in ((7, 5.0), (7, 1.0), (8, 5.0), (7, 5.0)):
        replica.take(job(1, adapter=adapter), clock)
        (end,) = ends(replica)
        assert end - clock == seconds
        clock = end


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_leaves_out_replicas_that_are_not_ready(rule: str) -> None:
    view = View(4, Random(0))
    view.ready[[0, 2]] = False
    assert {RULES[rule](view, job(4, adapter=n % 3)) for n in range(40)} <= {1, 3}


def test_less_work_in_flight_is_preferred_and_what_ended_is_forgotten() -> None:
    view = View(2, Random(0))
    sent = job(10)
    sent.replica = 0
    view.sent(sent)
    assert RULES["least work"](view, job(1)) == 1
    view.ended(sent)
    assert view.work.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("rule", ["least work, adapter first", "least work, loading counted"])
def test_a_replica_that_had_the_adapter_is_preferred_until_it_is_too_busy(rule: str) -> None:
    view = View(3, Random(0))
    warm = job(4, adapter=5)
    warm.replica = 1
    view.sent(warm)
    view.ended(warm)
    assert RULES[rule](view, job(4, adapter=5)) == 1
    for _ in range(LOADING_STEPS // 4 + 1):
        view.sent(warm)
    assert RULES[rule](view, job(4, adapter=5)) != 1


def test_all_requests_are_answered_by_a_cluster_that_grows_and_shrinks() -> None:
    traffic = Traffic(requests=300, rate=lambda clock: 2.0 if clock < 60 else 0.02, peak=2.0)
    scaling = Scaling(
        least=1, most=8, every=5.0, start_seconds=10.0, wanted=lambda work, _: int(work // 20)
    )
    cluster = Cluster(DEVICE, RULES["least work"], replicas=8, gateways=3, seed=0)
    day = cluster.run(traffic.draw(DEVICE, Random(0)), scaling)
    assert len(day.latencies) == 300
    assert min(day.slowdowns) >= 1.0 - 1e-9
    assert 1 < day.most_replicas <= 8
    assert len(cluster.up) < day.most_replicas
    assert cluster.in_flight == 0


def test_the_same_seed_is_the_same_day() -> None:
    def latencies() -> list[float]:
        traffic = Traffic(requests=200, rate=lambda _: 0.5, peak=0.5)
        cluster = Cluster(DEVICE, RULES["less work of two"], replicas=4, gateways=2, seed=3)
        return cluster.run(traffic.draw(DEVICE, Random(1))).latencies

    assert latencies() == latencies()
