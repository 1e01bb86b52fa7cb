"""Several replicas: who is asked, and what happens when one dies with requests unanswered."""

from __future__ import annotations

import asyncio
from collections import Counter

import httpx2
import pytest
from friendli_server.dedicated.replicas import fleet
from friendli_server.dedicated.replicas import router as router_module
from friendli_server.dedicated.replicas.fixed import FixedReplicas
from friendli_server.dedicated.replicas.interfaces import LaunchError, ReplicaSpec
from friendli_server.dedicated.replicas.router import LOADING_STEPS, Load, Router, Target

from .conftest import ENDPOINTS, Tenant, World
from .fakes import FakeContainer

A, B = Target(id="a", url="http://a"), Target(id="b", url="http://b")


def load(job: str = "j", work: int = 10, adapter: str | None = None) -> Load:
    return Load(job_id=job, work=work, adapter=adapter)


@pytest.fixture
def router(world: World) -> Router:
    return world.gateway.router


def test_the_replica_with_least_work_is_chosen(router: Router) -> None:
    with router.in_flight(A, load("1", 30)), router.in_flight(B, load("2", 20)):
        assert router.best([A, B], load()) == B
        with router.in_flight(B, load("3", 20)):
            assert router.best([A, B], load()) == A


def test_an_adapter_stays_where_it_is_loaded_unless_loading_costs_less(router: Router) -> None:
    with router.in_flight(B, load(adapter="ink")):
        pass
    assert router.best([A, B], load(adapter="ink")) == B
    with router.in_flight(B, load("1", LOADING_STEPS - 1)):
        assert router.best([A, B], load(adapter="ink")) == B
        assert router.best([A, B], load(adapter="wax")) == A
    with router.in_flight(B, load("1", LOADING_STEPS + 1)):
        assert router.best([A, B], load(adapter="ink")) == A


def test_of_equals_an_adapter_has_a_home_and_plain_requests_are_spread(router: Router) -> None:
    chosen = {router.best([A, B], load(str(n), adapter="ink")) for n in range(20)}
    assert len(chosen) == 1
    assert {router.best([A, B], load(str(n))) for n in range(20)} == {A, B}
    assert {router.best([A, B], load(adapter=str(n))) for n in range(20)} == {A, B}


def test_a_repeat_goes_where_the_first_one_is(router: Router) -> None:
    with router.in_flight(B, load("same", 50)):
        assert router.best([A, B], load("same", 50)) == B
        assert router.best([A, B], load("other", 50)) == A


async def two_replicas(world: World) -> tuple[Tenant, str]:
    tenant = await world.tenant()
    endpoint = await world.endpoint(tenant, simplescale={"replicas": 2})
    await both_ready(world, endpoint)
    return tenant, endpoint


async def both_ready(world: World, endpoint: str) -> None:
    async def ready() -> bool:
        return len(await world.gateway.router.targets(endpoint)) == 2

    await world.until(ready)


async def all_in(world: World, count: int) -> None:
    """Until containers have been sent `count` requests in all."""

    async def arrived() -> bool:
        return sum(len(c.bodies) for c in world.launcher.launched) == count

    await world.until(arrived)


def release(*containers: FakeContainer) -> None:
    for container in containers:
        container.released.set()


async def test_requests_spread_over_replicas(world: World) -> None:
    world.launcher.held = True
    tenant, endpoint = await two_replicas(world)
    async with asyncio.TaskGroup() as group:
        for _ in range(6):
            group.create_task(world.generate(tenant, endpoint))
        await all_in(world, 6)
        release(*world.launcher.launched)
    assert [len(c.bodies) for c in world.launcher.launched] == [3, 3]


async def test_a_killed_replicas_requests_are_answered_by_another_with_the_same_bytes(
    world: World,
) -> None:
    world.launcher.held = True
    tenant, endpoint = await two_replicas(world)
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(
                world.generate(tenant, endpoint, seed=None, response_format="jpeg", prompt=str(i))
            )
            for i in range(8)
        ]
        await all_in(world, 8)
        victim, other = world.launcher.launched
        lost = dict(zip(victim.keys, victim.bodies, strict=True))
        release(other)
        victim.dead.set()
    answers = [task.result() for task in tasks]
    assert [answer.status_code for answer in answers] == [200] * 8
    assert len(lost) == 4
    elsewhere = [c for c in world.launcher.launched if c is not victim]
    again = {k: b for c in elsewhere for k, b in zip(c.keys, c.bodies, strict=True)}
    assert all(again[key] == body for key, body in lost.items())


async def test_the_only_replica_is_replaced_and_its_requests_answered(world: World) -> None:
    world.launcher.held = True
    tenant = await world.tenant()
    endpoint = await world.endpoint(tenant)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(world.generate(tenant, endpoint))
        await all_in(world, 1)
        world.launcher.held = False
        world.launcher.launched[0].dead.set()
    assert task.result().status_code == 200
    assert len(world.launcher.launched) == 2


async def test_a_request_leaves_a_replica_that_went_silent_for_another(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when a network is cut: the connection stands, and nothing ever comes."""
    monkeypatch.setattr(fleet, "_PROBE_SECONDS", 0.01)
    monkeypatch.setattr(router_module, "_WATCH_SECONDS", 0.01)
    world.launcher.held = True
    tenant, endpoint = await two_replicas(world)
    asked = asyncio.create_task(world.generate(tenant, endpoint))
    await all_in(world, 1)
    silent, other = sorted(world.launcher.launched, key=lambda c: len(c.bodies), reverse=True)
    world.launcher.held, silent.ready = False, False
    release(other)
    answer = await asked
    assert answer.status_code == 200
    elsewhere = [c.bodies for c in world.launcher.launched if c is not silent and c.bodies]
    assert elsewhere == [silent.bodies]


async def test_a_full_replica_is_passed_over_and_two_full_ones_are_a_429(world: World) -> None:
    tenant, endpoint = await two_replicas(world)
    first, second = world.launcher.launched
    first.full = True
    assert (await world.generate(tenant, endpoint)).status_code == 200
    second.full = True
    answer = await world.generate(tenant, endpoint)
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "7"


async def test_a_rolling_update_under_load_loses_no_request(world: World) -> None:
    tenant, endpoint = await two_replicas(world)
    statuses: Counter[int] = Counter()
    done = asyncio.Event()

    async def caller() -> None:
        while not done.is_set():
            statuses[(await world.generate(tenant, endpoint)).status_code] += 1

    async def updated() -> bool:
        return len(world.launcher.stopped) >= 2

    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(caller())
        change = {"hfModelRepo": "org/new"}
        await world.client.put(f"{ENDPOINTS}/{endpoint}", json=change, headers=tenant.headers)
        await world.until(updated)
        done.set()
    assert set(statuses) == {200}
    assert {c.spec.model for c in world.launcher.launched[2:]} == {"org/new"}


async def test_work_launches_a_second_replica_and_the_end_of_it_drains_one(
    make_world: object,
) -> None:
    world: World = await make_world(work_per_replica=10)  # type: ignore[operator]
    world.launcher.held = True
    tenant = await world.tenant()
    policy = {"minReplica": 1, "maxReplica": 2, "cooldownPeriod": 0}
    endpoint = await world.endpoint(tenant, autoscalingPolicy=policy)
    async with asyncio.TaskGroup() as group:
        for _ in range(2):
            group.create_task(world.generate(tenant, endpoint, num_inference_steps=9))
        await both_ready(world, endpoint)
        release(*world.launcher.launched)

    async def one_left() -> bool:
        return len(world.launcher.running() or ()) == 1

    await world.until(one_left)


async def test_a_client_that_leaves_frees_the_container(world: World) -> None:
    world.launcher.held = True
    tenant = await world.tenant()
    endpoint = await world.endpoint(tenant)
    container = world.launcher.launched[0]
    leaving = asyncio.Event()
    body = httpx2.Request("POST", "http://gateway", json={"prompt": "p", "model": endpoint}).content
    messages = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> dict[str, object]:
        for message in messages:
            return message
        await leaving.wait()
        return {"type": "http.disconnect"}

    async def send(_message: object) -> None:
        pass

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/dedicated/v1/images/generations",
        "query_string": b"",
        "headers": [
            (b"authorization", f"Bearer {tenant.token}".encode()),
            (b"content-type", b"application/json"),
        ],
    }
    async with asyncio.TaskGroup() as group:
        group.create_task(world.app(scope, receive, send))
        await all_in(world, 1)
        leaving.set()
    assert (container.cancelled, container.finished) == (1, 0)


async def test_fixed_urls_are_handed_out_evenly_per_model() -> None:
    fixed = FixedReplicas({"m": ["http://1", "http://2"]})
    urls = [await fixed.launch(name, ReplicaSpec(model="m")) for name in "abcd"]
    assert Counter(urls) == {"http://1": 2, "http://2": 2}
    await fixed.stop("a")
    assert await fixed.launch("e", ReplicaSpec(model="m")) == urls[0]
    with pytest.raises(LaunchError):
        await fixed.launch("f", ReplicaSpec(model="unknown"))
