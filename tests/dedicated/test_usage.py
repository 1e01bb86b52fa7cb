"""Quotas that refuse by name, and records of what was made."""

from __future__ import annotations

import asyncio
import csv
from io import StringIO
from typing import Any

import pytest
from friendli_server.dedicated.usage import services
from friendli_server.dedicated.usage.models import QuotaWindow, RunningJob
from sqlalchemy import select

from .conftest import Tenant, World

USAGE = "/dedicated/v1/team/usage"


async def code(world: World, tenant: Any, endpoint: str, **changes: Any) -> str:
    answer = await world.generate(tenant, endpoint, **changes)
    return "ok" if answer.status_code == 200 else str(answer.json()["error"]["code"])


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The moment quota windows are counted by, in the test's hand."""
    moment = [1_800_000_000.0]
    monkeypatch.setattr(services, "epoch", lambda: moment[0])
    return moment


async def test_requests_per_minute_are_limited_until_the_next_minute(
    world: World, clock: list[float]
) -> None:
    tenant = await world.tenant(requests_per_minute=2)
    endpoint = await world.endpoint(tenant)
    codes = [await code(world, tenant, endpoint) for _ in range(3)]
    assert codes == ["ok", "ok", "quota_requests_per_minute"]
    refused = await world.generate(tenant, endpoint)
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert "requests_per_minute = 2" in refused.json()["message"]
    clock[0] += 60
    assert await code(world, tenant, endpoint) == "ok"


async def test_images_per_day_count_what_was_made_and_not_what_failed(
    world: World, clock: list[float]
) -> None:
    tenant = await world.tenant(images_per_day=2)
    endpoint = await world.endpoint(tenant)
    codes = [
        await code(world, tenant, endpoint, num_inference_steps=steps) for steps in (4, 99, 4, 4)
    ]
    assert codes == ["ok", "invalid_request", "ok", "quota_images_per_day"]
    clock[0] += 86_400
    assert await code(world, tenant, endpoint) == "ok"


async def test_concurrency_is_limited_and_freed(world: World) -> None:
    world.launcher.held = True
    tenant = await world.tenant(concurrency=2)
    endpoint = await world.endpoint(tenant)
    container = world.launcher.launched[0]

    async def two_in() -> bool:
        return len(container.bodies) == 2

    async with asyncio.TaskGroup() as group:
        running = [group.create_task(code(world, tenant, endpoint)) for _ in range(2)]
        await world.until(two_in)
        assert await code(world, tenant, endpoint) == "quota_concurrency"
        container.released.set()
    assert [task.result() for task in running] == ["ok", "ok"]
    assert await code(world, tenant, endpoint) == "ok"


@pytest.mark.requirement("gateway.quotas")
async def test_a_team_fills_its_share_of_the_queue_and_no_more(make_world: Any) -> None:
    world: World = await make_world(queue_steps=100)
    world.launcher.held = True
    tenant, other = await world.tenant(queue_share=0.5), await world.tenant("other")
    endpoint, others = await world.endpoint(tenant), await world.endpoint(other)

    async def two_in() -> bool:
        return len(world.launcher.launched[0].bodies) == 2

    async with asyncio.TaskGroup() as group:
        running = [
            group.create_task(code(world, tenant, endpoint, num_inference_steps=25))
            for _ in range(2)
        ]
        await world.until(two_in)
        refused = await world.generate(tenant, endpoint, num_inference_steps=1)
        assert refused.json()["error"]["code"] == "quota_queue_share"
        assert "queue_share = 0.5" in refused.json()["message"]
        running.append(group.create_task(code(world, other, others, num_inference_steps=50)))
        await world.until(lambda: _has_one(world))
        for container in world.launcher.launched:
            container.released.set()
    assert [task.result() for task in running] == ["ok"] * 3


async def _has_one(world: World) -> bool:
    return len(world.launcher.launched[1].bodies) == 1


async def test_a_share_smaller_than_one_picture_still_lets_one_through(make_world: Any) -> None:
    world: World = await make_world(queue_steps=10)
    tenant = await world.tenant(queue_share=0.1)
    endpoint = await world.endpoint(tenant)
    assert await code(world, tenant, endpoint, num_inference_steps=50) == "ok"


async def test_several_pictures_in_one_request_count_as_several(
    world: World, clock: list[float]
) -> None:
    tenant = await world.tenant(images_per_day=5)
    endpoint = await world.endpoint(tenant)
    counts = [4, 2, 99, 1, 1]
    codes = [await code(world, tenant, endpoint, n=n) for n in counts]
    assert codes == ["ok", "quota_images_per_day", "invalid_request", "ok", "quota_images_per_day"]


async def test_one_teams_quota_is_not_anothers(world: World) -> None:
    small, other = await world.tenant("small", requests_per_minute=0), await world.tenant("other")
    assert await code(world, small, await world.endpoint(small)) == "quota_requests_per_minute"
    assert await code(world, other, await world.endpoint(other)) == "ok"


async def test_a_quota_holds_across_nodes_exactly(make_world: Any, clock: list[float]) -> None:
    here, there = await make_world(), await make_world()
    tenant = await here.tenant(requests_per_minute=5)
    endpoint = await here.endpoint(tenant)
    there.network.containers = here.network.containers
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(code(node, tenant, endpoint))
            for _ in range(6)
            for node in (here, there)
        ]
    codes = [task.result() for task in tasks]
    assert sorted(codes) == ["ok"] * 5 + ["quota_requests_per_minute"] * 7


async def test_every_picture_is_a_line_of_the_report(world: World) -> None:
    tenant, other = await world.tenant(), await world.tenant("other")
    endpoint = await world.endpoint(tenant, adapters={"ink": "org/ink"})
    await world.generate(tenant, endpoint, num_inference_steps=3)
    await world.generate(tenant, f"{endpoint}:ink", num_inference_steps=5)
    await world.generate(tenant, endpoint, num_inference_steps=99)
    report = (await world.client.get(USAGE, headers=tenant.headers)).json()
    assert (report["images"], report["steps"]) == (2, 8)
    assert [(line["adapter"], line["steps"]) for line in report["data"]] == [(None, 3), ("ink", 5)]
    assert all(line["engine_seconds"] > 0 and line["width"] for line in report["data"])
    empty = (await world.client.get(USAGE, headers=other.headers)).json()
    assert (empty["images"], empty["data"]) == (0, [])


async def test_the_report_comes_as_csv_too(world: World) -> None:
    tenant = await world.tenant()
    endpoint = await world.endpoint(tenant)
    await world.generate(tenant, endpoint)
    answer = await world.client.get(USAGE, headers=tenant.headers | {"accept": "text/csv"})
    [line] = csv.DictReader(StringIO(answer.text))
    assert (line["endpoint_id"], line["steps"], line["operation"]) == (endpoint, "4", "generations")


async def test_the_report_keeps_to_its_time(world: World) -> None:
    tenant = await world.tenant()
    await world.generate(tenant, await world.endpoint(tenant))
    past = {"since": "2020-01-01", "until": "2021-01-01T00:00:00+01:00"}
    answer = await world.client.get(USAGE, params=past, headers=tenant.headers)
    assert answer.json()["images"] == 0
    bad = await world.client.get(USAGE, params={"since": "soon"}, headers=tenant.headers)
    assert (bad.status_code, bad.json()["error"]["param"]) == (422, "since")


async def test_a_repeat_is_recorded_once(world: World) -> None:
    tenant = await world.tenant(images_per_day=1)
    endpoint = await world.endpoint(tenant)
    for _ in range(2):
        answer = await world.client.post(
            "/dedicated/v1/images/generations",
            json={"prompt": "p", "model": endpoint},
            headers=tenant.headers | {"idempotency-key": "once"},
        )
        assert answer.status_code == 200
    report = (await world.client.get(USAGE, headers=tenant.headers)).json()
    assert report["images"] == 1


async def repeat(world: World, tenant: Tenant, endpoint: str, key: str) -> str:
    """A request under an idempotency key; how it was answered."""
    answer = await world.client.post(
        "/dedicated/v1/images/generations",
        json={"prompt": "p", "model": endpoint},
        headers=tenant.headers | {"idempotency-key": key},
    )
    return "ok" if answer.status_code == 200 else str(answer.json()["error"]["code"])


async def counted(world: World) -> int:
    """The images that quotas count."""
    async with world.gateway.database.transaction() as session:
        query = select(QuotaWindow.count).where(QuotaWindow.kind == "images")
        return sum(await session.scalars(query))


async def running(world: World, count: int) -> None:
    """Wait until so many requests are being served."""

    async def so_many() -> bool:
        async with world.gateway.database.transaction() as session:
            return len(list(await session.scalars(select(RunningJob.id)))) == count

    await world.until(so_many)


@pytest.mark.requirement("gateway.quotas")
async def test_a_job_that_fails_after_midnight_is_credited_to_the_day_that_counted_it(
    world: World, clock: list[float]
) -> None:
    world.launcher.held = True
    tenant = await world.tenant(images_per_day=1)
    endpoint = await world.endpoint(tenant)
    clock[0] = clock[0] // 86_400 * 86_400 + 86_399
    task = asyncio.create_task(code(world, tenant, endpoint, num_inference_steps=4))
    await running(world, 1)
    clock[0] += 2
    world.launcher.launched[0].dead.set()
    world.launcher.refuses = "INFERENCE_ENGINE_UNKNOWN_ERROR"
    assert await task != "ok"
    async with world.gateway.database.transaction() as session:
        windows = list(await session.scalars(select(QuotaWindow).order_by(QuotaWindow.start)))
    assert [window.count for window in windows if window.kind == "images"] == [0]


@pytest.mark.requirement("gateway.quotas")
async def test_a_repeat_that_runs_beside_the_first_is_counted_once(world: World) -> None:
    world.launcher.held = True
    tenant = await world.tenant(images_per_day=2, concurrency=1)
    endpoint = await world.endpoint(tenant)
    tasks = [asyncio.create_task(repeat(world, tenant, endpoint, "k")) for _ in range(2)]
    await running(world, 2)
    assert await counted(world) == 1
    world.launcher.launched[0].released.set()
    assert [await task for task in tasks] == ["ok", "ok"]
    assert await counted(world) == 1


@pytest.mark.requirement("gateway.quotas")
async def test_leaving_a_repeat_gives_no_picture_away(world: World) -> None:
    tenant = await world.tenant(images_per_day=1)
    endpoint = await world.endpoint(tenant)
    assert await repeat(world, tenant, endpoint, "k") == "ok"
    container = world.launcher.launched[0]
    container.full = True
    assert await repeat(world, tenant, endpoint, "k") == "rate_limit_exceeded"
    container.full = False
    assert await counted(world) == 1
    assert await repeat(world, tenant, endpoint, "another") == "quota_images_per_day"


@pytest.mark.requirement("gateway.quotas")
async def test_a_first_try_that_fails_hands_its_count_to_the_repeat(world: World) -> None:
    tenant = await world.tenant()
    endpoint = await world.endpoint(tenant)
    job: dict[str, Any] = {
        "id": "job", "team_id": tenant.id, "endpoint_id": endpoint, "adapter": None,
        "operation": "generations", "steps": 4, "images": 1,
    }  # fmt: skip
    first, second = (services.Job(**job, attempt=name) for name in ("one", "two"))
    database = world.gateway.database
    for attempt in (first, second):
        async with database.transaction() as session:
            await services.admit(session, attempt, node_id="n", queue_steps=100)
    async with database.transaction() as session:
        await services.finish(session, first, [])
    assert await counted(world) == 1
    async with database.transaction() as session:
        await services.finish(session, second, [])
    assert await counted(world) == 0


async def test_nothing_is_left_running_afterwards(world: World) -> None:
    tenant = await world.tenant()
    endpoint = await world.endpoint(tenant)
    await world.generate(tenant, endpoint)
    await world.generate(tenant, endpoint, num_inference_steps=99)
    async with world.gateway.database.transaction() as session:
        assert list(await session.scalars(select(RunningJob.id))) == []
