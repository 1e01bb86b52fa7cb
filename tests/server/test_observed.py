"""What logs and traces tell of a request: its work and its end, never its words or its key."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import StringIO
from threading import Thread
from typing import Any

import httpx2
import pytest
import structlog
from friendli_engine.errors import GenerationError
from friendli_server import logs, tracing
from friendli_server.container.app import application
from friendli_server.container.service import Service
from friendli_server.settings import ContainerSettings
from opentelemetry.trace import NoOpTracerProvider
from pydantic import SecretStr
from server.fakes import FakeEngine

pytestmark = pytest.mark.requirement("S4.observed")
PATH = "/v1/images/generations"
PROMPT, KEY = "a very private prompt about a heron", "a-very-secret-key"
BODY = {"prompt": PROMPT, "num_inference_steps": 3, "seed": 1234567}


@pytest.fixture
def settings() -> ContainerSettings:
    return ContainerSettings(api_key=[SecretStr(KEY)])


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[StringIO]:
    """All that the process logs, down to DEBUG, as the server formats it."""
    out = StringIO()
    for noisy in logs.NOISY:
        monkeypatch.setattr(logging.getLogger(noisy), "disabled", True)
    handler = logging.StreamHandler(out)
    handler.setFormatter(logs.formatter(structlog.processors.JSONRenderer()))
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield out
    root.removeHandler(handler)
    root.setLevel(level)


def records(written: StringIO) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    return [line for line in lines if line["logger"] == "friendli.access"]


@pytest.fixture
async def caller(service: Service) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(application(service))
    bearer = {"authorization": f"Bearer {KEY}"}
    async with httpx2.AsyncClient(
        transport=transport, base_url="http://localhost", headers=bearer
    ) as client:
        yield client


# --- logs


async def test_each_request_leaves_one_record_of_its_work_and_its_end(
    caller: httpx2.AsyncClient, engine: FakeEngine, written: StringIO
) -> None:
    made = await caller.post(PATH, json=BODY | {"model": "ink"})
    await caller.post(PATH, json=BODY | {"n": 99})
    engine.fails = GenerationError("It broke.")
    await caller.post(PATH, json=BODY | {"stream": True})
    await caller.get("/nowhere")
    first, second, third, last = records(written)
    assert first["request_id"] == made.headers["x-request-id"]
    told = {"method": "POST", "route": PATH, "status": 200, "outcome": "ok", "adapter": "ink"}
    assert told.items() <= first.items()
    assert (first["steps"], first["pictures"], first["ahead"]) == (3, 1, 0)
    assert first["seconds"] > 0
    assert (second["status"], second["outcome"]) == (422, "invalid_request")
    assert (third["status"], third["outcome"]) == (200, "generation_failed")
    assert (last["status"], last["route"]) == (404, None)


async def test_no_prompt_key_query_or_name_of_a_result_is_logged_whatever_goes_wrong(
    caller: httpx2.AsyncClient, engine: FakeEngine, written: StringIO
) -> None:
    answer = await caller.post(PATH, json=BODY | {"response_format": "url"})
    url = answer.json()["data"][0]["url"]
    await caller.get(url)
    await caller.post(f"{PATH}?prompt={PROMPT}", json=BODY | {"n": 99})
    await caller.post(PATH, json=BODY, headers={"authorization": f"Basic {KEY}"})
    await caller.post(PATH, content=f"{{{PROMPT}".encode())
    engine.fails = RuntimeError(f"Authorization: Bearer {KEY}")  # type: ignore[assignment]
    assert (await caller.post(PATH, json=BODY)).status_code == 500
    text = written.getvalue()
    assert "RuntimeError" in text
    for secret in (PROMPT, "heron", KEY, url.rpartition("/")[2]):
        assert secret not in text


async def test_health_is_not_worth_a_record(
    caller: httpx2.AsyncClient, written: StringIO, caplog: pytest.LogCaptureFixture
) -> None:
    await caller.get("/health")
    [record] = [one for one in caplog.records if one.name == "friendli.access"]
    assert record.levelno == logging.DEBUG


@pytest.mark.parametrize(("kind", "json_lines"), [("json", True), ("auto", True), ("text", False)])
def test_the_format_is_as_asked_for_and_json_off_a_terminal(
    kind: logs.LogFormat, json_lines: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, root = StringIO(), logging.getLogger()
    before, level = root.handlers[:], root.level
    monkeypatch.setattr("sys.stderr", out)
    try:
        logs.configure(kind)
        logging.getLogger("friendli.server").info("hello %s", "there")
    finally:
        root.handlers[:] = before
        root.setLevel(level)
    assert "hello there" in out.getvalue()
    assert out.getvalue().startswith("{") is json_lines


# --- traces


@pytest.fixture
def spans(service: Service) -> Any:
    sdk = pytest.importorskip("opentelemetry.sdk.trace")
    export = pytest.importorskip("opentelemetry.sdk.trace.export")
    memory = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")
    kept = memory.InMemorySpanExporter()
    provider = sdk.TracerProvider()
    provider.add_span_processor(export.SimpleSpanProcessor(kept))
    service.traces = provider
    return kept


async def test_a_request_is_a_span_with_its_phases_below_in_the_callers_trace(
    service: Service, spans: Any, caller: httpx2.AsyncClient
) -> None:
    trace, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    await caller.post(PATH, json=BODY, headers={"traceparent": f"00-{trace}-{parent}-01"})
    made = {span.name: span for span in spans.get_finished_spans()}
    whole = made[f"POST {PATH}"]
    assert made.keys() == {whole.name, "intake", "queue", "denoise", "encode"}
    for phase in ("intake", "queue", "denoise", "encode"):
        assert made[phase].parent.span_id == whole.context.span_id
    assert {f"{span.context.trace_id:032x}" for span in made.values()} == {trace}
    order = [made[name].start_time for name in ("intake", "queue", "denoise", "encode")]
    assert order == sorted(order)
    assert made["denoise"].attributes["steps"] == 3
    assert PROMPT not in "".join(span.to_json() for span in made.values())


async def test_a_phase_that_fails_says_so_without_words(
    service: Service, spans: Any, engine: FakeEngine, caller: httpx2.AsyncClient
) -> None:
    engine.fails = GenerationError(PROMPT)
    await caller.post(PATH, json=BODY)
    [failed] = [span for span in spans.get_finished_spans() if span.name == "queue"]
    assert failed.status.status_code.name == "ERROR"
    assert PROMPT not in failed.to_json()


def test_without_an_endpoint_nothing_is_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    provider, _ = tracing.exported("friendli-container")
    assert isinstance(provider, NoOpTracerProvider)


def test_spans_go_where_the_standard_variable_says(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http")
    got: list[tuple[str, bytes]] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Collector) as collector:
        Thread(target=collector.serve_forever).start()
        endpoint = f"http://127.0.0.1:{collector.server_port}"
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        provider, send_the_last = tracing.exported("friendli-container")
        provider.get_tracer("test").start_span("picture").end()
        send_the_last()
        collector.shutdown()
    [(path, body)] = got
    assert path == "/v1/traces"
    assert b"picture" in body
    assert b"friendli-container" in body
