"""`/dedicated/beta/endpoint`: every verb, against replicas that start and stop."""

from __future__ import annotations

from functools import partial
from typing import Any

import httpx2
import pytest

from .conftest import ENDPOINTS, Tenant, World


async def ask(
    world: World, tenant: Tenant, method: str, path: str = "", **kwargs: Any
) -> httpx2.Response:
    return await world.client.request(method, ENDPOINTS + path, headers=tenant.headers, **kwargs)


async def test_a_created_endpoint_starts_and_runs(world: World) -> None:
    tenant = await world.tenant()
    world.launcher.born_ready = False
    endpoint = await world.endpoint(tenant, running=False)
    answer = (await ask(world, tenant, "GET", f"/{endpoint}/status")).json()
    assert answer["status"] == "INITIALIZING"
    assert answer["phase"] in {"REQUESTING_VIRTUAL_MACHINE", "ENGINE_INITIALIZING"}

    async def launched() -> bool:
        return len(world.launcher.launched) == 1

    await world.until(launched)
    world.launcher.launched[0].ready = True
    await world.status(endpoint, "RUNNING")
    answer = (await ask(world, tenant, "GET", f"/{endpoint}/status")).json()
    assert answer["phase"] is None
    assert answer["errorCode"] is None
    assert answer["createdAt"].endswith("Z")


@pytest.mark.requirement("weights.phase")
async def test_while_its_replica_downloads_an_endpoint_says_so(world: World) -> None:
    tenant = await world.tenant()
    world.launcher.born_ready = False
    endpoint = await world.endpoint(tenant, running=False)

    async def launched() -> bool:
        return len(world.launcher.launched) == 1

    async def says(phase: str) -> bool:
        answer = await ask(world, tenant, "GET", f"/{endpoint}/status")
        return bool(answer.json()["phase"] == phase)

    await world.until(launched)
    [container] = world.launcher.launched
    for told, phase in (("downloading", "DOWNLOADING_MODEL"), ("loading", "ENGINE_INITIALIZING")):
        container.phase = told
        await world.until(partial(says, phase))
    container.ready = True
    await world.status(endpoint, "RUNNING")


async def test_the_spec_says_what_was_asked_and_what_there_is(world: World) -> None:
    tenant = await world.tenant()
    endpoint = await world.endpoint(
        tenant,
        name="kites",
        instanceOptionId="TwD5AqnBSVN0",
        autoscalingPolicy={"minReplica": 1, "maxReplica": 3, "cooldownPeriod": 30},
    )
    spec = (await ask(world, tenant, "GET", f"/{endpoint}")).json()
    wanted = {
        "name": "kites",
        "instanceId": "TwD5AqnBSVN0",
        "teamId": tenant.id,
        "creatorId": tenant.user_id,
        "autoscalingMin": 1,
        "autoscalingMax": 3,
        "autoscalingCooldown": 30,
        "currReplicaCnt": 1,
        "desiredReplicaCnt": 1,
        "updatedReplicaCnt": 1,
    }
    assert {key: spec[key] for key in wanted} == wanted


async def test_the_list_comes_in_pages(world: World) -> None:
    tenant = await world.tenant()
    made = {await world.endpoint(tenant, running=False) for _ in range(3)}
    first = (await ask(world, tenant, "GET", "?limit=2")).json()
    rest = (await ask(world, tenant, "GET", f"?limit=2&cursor={first['nextCursor']}")).json()
    assert len(first["data"]) == 2
    assert set(first["data"]) | set(rest["data"]) == made
    assert rest["nextCursor"] is None


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "limit=١", "cursor=%ff"])
async def test_a_bad_page_is_refused_by_name(world: World, query: str) -> None:
    tenant = await world.tenant()
    answer = await ask(world, tenant, "GET", f"?{query}")
    assert answer.status_code == 422
    assert answer.json()["error"]["param"] == query.partition("=")[0]


async def test_an_update_makes_a_version_and_new_replicas(world: World) -> None:
    tenant = await world.tenant()
    endpoint = await world.endpoint(tenant)
    change = {"hfModelRepo": "org/other", "newVersionComment": "better kites"}
    answer = await ask(world, tenant, "PUT", f"/{endpoint}", json=change)
    assert answer.json()["hfModelRepo"] == "org/other"

    async def replaced() -> bool:
        return len(world.launcher.stopped) == 1

    await world.until(replaced)
    await world.status(endpoint, "RUNNING")
    assert [c.spec.model for c in world.launcher.launched] == ["fake", "org/other"]
    history = (await ask(world, tenant, "GET", f"/{endpoint}/version")).json()["data"]
    assert [history[n]["hfModelRepo"] for n in ("1", "0")] == ["org/other", "fake"]


async def test_history_comes_in_pages_newest_first(world: World) -> None:
    tenant = await world.tenant()
    endpoint = await world.endpoint(tenant, running=False)
    for name in ("b", "c"):
        await ask(world, tenant, "PUT", f"/{endpoint}", json={"name": name})
    first = (await ask(world, tenant, "GET", f"/{endpoint}/version?limit=2")).json()
    cursor = first["nextCursor"]
    rest = (await ask(world, tenant, "GET", f"/{endpoint}/version?cursor={cursor}")).json()
    assert [spec["name"] for spec in first["data"].values()] == ["c", "b"]
    assert list(rest["data"]) == ["0"]


async def test_asleep_it_has_no_replica_and_a_request_wakes_it(world: World) -> None:
    tenant = await world.tenant()
    endpoint = await world.endpoint(tenant)
    assert (await ask(world, tenant, "PUT", f"/{endpoint}/sleep")).json()["status"] == "SLEEPING"

    async def gone() -> bool:
        return len(world.launcher.stopped) == 1

    await world.until(gone)
    answer = await world.generate(tenant, endpoint)
    assert answer.status_code == 200
    assert len(world.launcher.launched) == 2
    await world.status(endpoint, "RUNNING")


async def test_wake_says_awaking_until_a_replica_is_ready(world: World) -> None:
    tenant = await world.tenant()
    endpoint = await world.endpoint(tenant)
    await ask(world, tenant, "PUT", f"/{endpoint}/sleep")
    assert (await ask(world, tenant, "PUT", f"/{endpoint}/wake")).json()["status"] == "AWAKING"
    await world.status(endpoint, "RUNNING")


async def test_least_zero_falls_asleep_after_its_cooldown(world: World) -> None:
    tenant = await world.tenant()
    policy = {"minReplica": 0, "maxReplica": 1, "cooldownPeriod": 0}
    endpoint = await world.endpoint(tenant, running=False, autoscalingPolicy=policy)
    await world.status(endpoint, "SLEEPING")
    answer = await world.generate(tenant, endpoint)
    assert answer.status_code == 200
    await world.status(endpoint, "SLEEPING")


async def test_a_request_waits_its_limit_for_a_waking_endpoint(make_world: Any) -> None:
    world = await make_world(wake_seconds=0.3)
    tenant = await world.tenant()
    world.launcher.born_ready = False
    endpoint = await world.endpoint(tenant, running=False)
    answer = await world.generate(tenant, endpoint)
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "endpoint_not_ready"
    assert int(answer.headers["retry-after"]) > 0


async def test_terminated_is_for_good_but_for_a_restart(world: World) -> None:
    tenant = await world.tenant()
    endpoint = await world.endpoint(tenant)
    answer = await ask(world, tenant, "PUT", f"/{endpoint}/terminate")
    assert answer.json()["status"] == "TERMINATING"
    await world.status(endpoint, "TERMINATED")
    assert (await ask(world, tenant, "PUT", f"/{endpoint}/wake")).status_code == 409
    assert (await ask(world, tenant, "PUT", f"/{endpoint}", json={"name": "x"})).status_code == 409
    assert (await world.generate(tenant, endpoint)).status_code == 409
    restarted = await ask(world, tenant, "PUT", f"/{endpoint}/restart")
    assert restarted.json()["status"] == "INITIALIZING"
    await world.status(endpoint, "RUNNING")
    assert (await world.generate(tenant, endpoint)).status_code == 200


async def test_a_restart_replaces_the_replica_by_one_of_the_same_version(world: World) -> None:
    tenant = await world.tenant()
    endpoint = await world.endpoint(tenant)
    assert (await ask(world, tenant, "PUT", f"/{endpoint}/restart")).status_code == 200

    async def replaced() -> bool:
        return len(world.launcher.stopped) == 1

    await world.until(replaced)
    assert [c.spec.model for c in world.launcher.launched] == ["fake", "fake"]
    assert list((await ask(world, tenant, "GET", f"/{endpoint}/version")).json()["data"]) == ["0"]


async def test_a_model_that_does_not_start_fails_with_its_code(world: World) -> None:
    tenant = await world.tenant()
    world.launcher.refuses = "WORKLOAD_INIT_DOWNLOAD_ERROR"
    endpoint = await world.endpoint(tenant, running=False)
    await world.status(endpoint, "FAILED")
    answer = (await ask(world, tenant, "GET", f"/{endpoint}/status")).json()
    assert answer["errorCode"] == "WORKLOAD_INIT_DOWNLOAD_ERROR"
    assert (await world.generate(tenant, endpoint)).json()["error"]["code"] == "endpoint_failed"
    world.launcher.refuses = None
    await ask(world, tenant, "PUT", f"/{endpoint}/wake")
    await world.status(endpoint, "RUNNING")


async def test_a_deleted_endpoint_is_gone_and_so_is_its_replica(world: World) -> None:
    tenant = await world.tenant()
    endpoint = await world.endpoint(tenant)
    answer = await ask(world, tenant, "DELETE", f"/{endpoint}")
    assert (answer.status_code, answer.json()) == (200, {})
    assert (await ask(world, tenant, "GET", f"/{endpoint}")).status_code == 404

    async def stopped() -> bool:
        return len(world.launcher.stopped) == 1

    await world.until(stopped)


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"hfModelRepo": "../../etc/passwd"}, "hfModelRepo"),
        ({"hfModelRepo": "/models/x"}, "hfModelRepo"),
        ({"hfModelRepo": "--port=1"}, "hfModelRepo"),
        ({"adapters": {"ink": "../ink"}}, "adapters"),
        ({"adapters": {"a/b": "org/ink"}}, "adapters"),
        ({"autoscalingPolicy": {"minReplica": 3, "maxReplica": 2}}, "autoscalingPolicy"),
        ({"autoscalingPolicy": {"minReplica": 0, "maxReplica": 11}}, "autoscalingPolicy"),
        ({"name": ""}, "name"),
    ],
)
async def test_a_spec_that_cannot_be_is_refused_by_name(
    world: World, change: dict[str, Any], param: str
) -> None:
    tenant = await world.tenant()
    endpoint = await world.endpoint(tenant, running=False)
    answer = await ask(world, tenant, "PUT", f"/{endpoint}", json=change)
    assert answer.status_code == 422
    assert answer.json()["error"]["param"] == param
