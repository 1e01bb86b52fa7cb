"""What the gateway tells of itself: numbers for Prometheus, one line in the log per request."""

from __future__ import annotations

import asyncio
import logging
import re
import urllib.request
from collections.abc import Iterator
from io import StringIO
from socket import socket
from typing import Any

import pytest
from friendli_server.dedicated.metrics import Metrics
from prometheus_client import generate_latest

from .conftest import World


def numbers(world: World) -> dict[str, float]:
    """Every sample of the gateway by its name and labels."""
    text = generate_latest(world.gateway.metrics.registry).decode()
    lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


@pytest.mark.requirement("gateway.metrics")
async def test_jobs_are_counted_by_endpoint_and_by_how_they_end(world: World) -> None:
    tenant = await world.tenant(requests_per_minute=3)
    endpoint = await world.endpoint(tenant)
    await world.generate(tenant, endpoint, n=2)
    await world.generate(tenant, endpoint, num_inference_steps=99)
    world.launcher.launched[0].full = True
    await world.generate(tenant, "depzzzzzzzzzzzz")
    await world.generate(tenant, endpoint)
    await world.generate(tenant, endpoint)
    found = numbers(world)
    label = f'endpoint="{endpoint}"'
    jobs = "friendli_gateway_jobs_total"
    assert found[f'{jobs}{{{label},outcome="ok"}}'] == 1
    assert found[f'{jobs}{{{label},outcome="invalid_request"}}'] == 1
    assert found[f'{jobs}{{{label},outcome="rate_limit_exceeded"}}'] == 1
    assert found[f"friendli_gateway_images_total{{{label}}}"] == 2
    assert found['friendli_gateway_quota_refusals_total{quota="requests_per_minute"}'] == 1
    assert found['friendli_gateway_moved_requests_total{reason="busy"}'] >= 1
    assert found["friendli_gateway_jobs_in_flight"] == 0
    assert found['friendli_gateway_endpoints{status="RUNNING"}'] == 1
    assert found["friendli_gateway_leads"] == 1
    assert "depzzzzzzzzzzzz" not in str(found)


async def test_steps_in_flight_and_made_tell_how_long_the_queue_is(world: World) -> None:
    world.launcher.held = True
    tenant = await world.tenant()
    endpoint = await world.endpoint(tenant)
    container = world.launcher.launched[0]
    label = f'{{endpoint="{endpoint}"}}'

    async def asked() -> bool:
        return bool(container.bodies)

    async with asyncio.TaskGroup() as group:
        group.create_task(world.generate(tenant, endpoint, num_inference_steps=7, n=2))
        await world.until(asked)
        assert numbers(world)[f"friendli_gateway_steps_in_flight{label}"] == 14
        assert f"friendli_gateway_steps_total{label}" not in numbers(world)
        container.released.set()
    assert numbers(world)[f"friendli_gateway_steps_in_flight{label}"] == 0
    assert numbers(world)[f"friendli_gateway_steps_total{label}"] == 14
    await world.generate(tenant, endpoint, num_inference_steps=99)
    assert numbers(world)[f"friendli_gateway_steps_total{label}"] == 14


async def test_answers_are_counted_by_route_and_never_by_path(world: World) -> None:
    tenant = await world.tenant()
    for name in ("a", "b"):
        await world.client.get(f"/dedicated/beta/endpoint/{name}", headers=tenant.headers)
    await world.client.get("/nothing/here")
    found = numbers(world)
    http = "friendli_gateway_http_requests_total"
    route = "/dedicated/beta/endpoint/{endpoint_id}"
    assert found[f'{http}{{method="GET",route="{route}",status="404"}}'] == 2
    assert found[f'{http}{{method="GET",route="none",status="404"}}'] == 1
    assert "/nothing" not in str(found)
    await world.client.request("MADEUP", "/nothing/here")
    assert numbers(world)[f'{http}{{method="other",route="none",status="404"}}'] == 1


def test_they_are_served_on_a_port_of_their_own() -> None:
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    metrics = Metrics()
    metrics.jobs.labels("dep", "ok").inc()
    metrics.publish("127.0.0.1", port)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        assert b'friendli_gateway_jobs_total{endpoint="dep",outcome="ok"} 1.0' in answer.read()


def test_a_taken_port_costs_the_metrics_and_not_the_service(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        Metrics().publish("127.0.0.1", taken.getsockname()[1])
    assert "no metrics" in caplog.text


@pytest.fixture
def lines() -> Iterator[list[dict[str, Any]]]:
    """What is said of each request."""
    told: list[dict[str, Any]] = []

    class Listener(logging.StreamHandler[StringIO]):
        def emit(self, record: logging.LogRecord) -> None:
            told.append(vars(record))

    logger, listener = logging.getLogger("friendli.access"), Listener(StringIO())
    level = logger.level
    logger.addHandler(listener)
    logger.setLevel(logging.INFO)
    yield told
    logger.setLevel(level)
    logger.removeHandler(listener)


@pytest.mark.requirement("gateway.metrics")
async def test_every_request_leaves_one_line_that_says_who_what_and_how(
    world: World, lines: list[dict[str, Any]]
) -> None:
    tenant = await world.tenant()
    endpoint = await world.endpoint(tenant)
    lines.clear()
    made = await world.generate(tenant, endpoint)
    await world.client.get(made.json()["data"][0]["url"])
    await world.client.get("/health")
    await world.client.get("/dedicated/v1/team")
    shown = [(line["method"], line["path"], line["status"]) for line in lines]
    assert shown[0] == ("POST", "/dedicated/v1/images/generations", 200)
    assert re.fullmatch(r"/dedicated/results/\w+/\w+\.jpg", shown[1][1])
    assert shown[2:] == [("GET", "/dedicated/v1/team", 401)]
    assert (lines[0]["team"], lines[0]["request_id"]) == (
        tenant.id,
        made.headers["x-request-id"],
    )
    assert "team" not in lines[2]
