"""The numbers a scrape finds, after things happened."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import httpx2
import pytest
from friendli_engine.errors import NotFiniteError
from friendli_engine.protocol import Stats
from friendli_server.container.service import Service
from prometheus_client import CollectorRegistry, generate_latest, start_http_server
from server.fakes import FakeEngine

PATH = "/v1/images/generations"
DASHBOARD = Path(__file__).parents[2] / "deploy" / "grafana.json"


def scraped(service: Service) -> dict[str, float]:
    registry = CollectorRegistry()
    registry.register(service.metrics)
    lines = generate_latest(registry).decode().splitlines()
    return {line.rpartition(" ")[0]: float(line.split()[-1]) for line in lines if line[0] != "#"}


async def post(client: httpx2.AsyncClient, **body: Any) -> httpx2.Response:
    return await client.post(PATH, json={"prompt": "a", "num_inference_steps": 1} | body)


async def test_requests_pictures_and_failures_are_counted_by_the_official_names(
    client: httpx2.AsyncClient, engine: FakeEngine, service: Service
) -> None:
    await post(client, n=3)
    await post(client)
    await post(client, num_inference_steps=0)
    engine.fails = NotFiniteError("NaN")
    await post(client)
    engine.fails, service.draining = None, True
    await post(client)
    numbers = scraped(service)
    assert numbers["friendli_requests_total"] == numbers["friendli_responses_total"] == 5
    assert numbers["friendli_items_total"] == 4
    assert numbers["friendli_failure_by_nan_error"] == 1
    assert numbers["friendli_failure_by_reject"] == 1
    assert numbers['friendli_outcomes{code="invalid_request"}'] == 1
    assert numbers['friendli_requests_latencies{quantile="0.99"}'] > 0
    assert numbers['friendli_requests_queueing_delays{quantile="0.5"}'] >= 0
    assert any(name.startswith("friendli_engine_version{version=") for name in numbers)


async def test_gauges_follow_the_work(
    remote: httpx2.AsyncClient, engine: FakeEngine, service: Service
) -> None:
    engine.gate = asyncio.Semaphore(0)
    asking = asyncio.create_task(post(remote, n=2))
    await engine.until(lambda: engine.running == 2)
    numbers = scraped(service)
    assert numbers["friendli_current_requests"] == 1
    assert numbers["friendli_current_items"] == 2
    asking.cancel()
    await asyncio.wait_for(service.admission.idle.wait(), 10)
    numbers = scraped(service)
    assert numbers["friendli_current_items"] == 0
    assert numbers["friendli_failure_by_cancel"] == 1


async def test_a_stream_counts_as_a_request(client: httpx2.AsyncClient, service: Service) -> None:
    await post(client, stream=True)
    numbers = scraped(service)
    assert (numbers["friendli_items_total"], numbers["friendli_current_requests"]) == (1, 0)


async def test_numbers_are_served_on_a_port_of_their_own(service: Service) -> None:
    registry = CollectorRegistry()
    registry.register(service.metrics)
    server, thread = start_http_server(0, "127.0.0.1", registry)
    async with httpx2.AsyncClient() as client:
        answer = await client.get(f"http://127.0.0.1:{server.server_port}/metrics")
    server.shutdown()
    server.server_close()
    thread.join()
    assert "friendli_current_items 0.0" in answer.text


def test_the_dashboard_asks_for_nothing_that_is_not_there(service: Service) -> None:
    expressions = re.findall(r'"expr": "((?:[^"\\]|\\.)*)"', DASHBOARD.read_text(encoding="utf-8"))
    asked = {name for text in expressions for name in re.findall(r"friendli_\w+", text)}
    # Windows and outcomes have no line before something happened, so ask for families.
    known = {metric.name for metric in service.metrics.collect()}
    known.add("friendli_engine_eta_error")  # there is none before a picture
    assert len(asked) >= 12
    assert asked <= known
    assert json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]


def test_what_the_engine_measures_is_there_under_its_own_names(service: Service) -> None:
    numbers = scraped(service)
    for name in Stats.__struct_fields__:
        if name not in ("knees", "eta_error"):
            assert f"friendli_engine_{name}" in numbers
    labels = '{network="Transformer",shape="64x16"}'
    assert numbers[f"friendli_engine_knees_rows{labels}"] == 4
    assert numbers[f"friendli_engine_knees_seconds{labels}"] == 0.5


@pytest.mark.parametrize("name", ["friendli_items_total", "friendli_failure_by_cancel"])
def test_names_are_not_changed_on_their_way_out(service: Service, name: str) -> None:
    assert name in scraped(service)
