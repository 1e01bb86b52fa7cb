"""Whatever is sent, the answer is a declared one, in the envelope, and gives nothing away."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from friendli_server.container.app import application
from friendli_server.container.service import Service
from friendli_server.settings import ContainerSettings
from friendli_wire import ErrorBody
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from server.fakes import INFO, FakeEngine

PATHS = ("/v1/images/generations", "/v1/images/edits", "/")
LEAKS = re.compile(rb"0x[0-9a-f]{6,}|Traceback|object at|site-packages|/work|pydantic|PIL\.")
FIELDS = [
    "prompt",
    "model",
    "num_inference_steps",
    "guidance_scale",
    "seed",
    "response_format",
    "control_images",
    "image",
    "controlnet_weights",
    "n",
    "size",
    "stream",
    "partial_images",
    "output_format",
    "output_compression",
    "quality",
    "preview_every",
    "mask",
    "inputs",
    "parameters",
]
ODD: st.SearchStrategy[Any] = st.sampled_from(
    [
        *(0, -1, 1, 2, 50, 51, 2**31, 2**53, 2**63, 2**64, -(2**63) - 1, 10**400, 0.5, 1e308, -0.0),
        *(float("nan"), float("inf"), "", "0", "a", "\0", "\ud800", "é" * 99, "x" * 20_000),
        *(None, True, False, [], {}, [[]], [None], {"image": None}, {"image": "http://127.0.0.1/"}),
        *([{"image": "data:,"}], [{"image": "aGk="}] * 9, {"image": "file:///etc/passwd"}),
        *(
            "jpeg",
            "raw",
            "png",
            "b64_json",
            "url",
            "auto",
            "64x64",
            "0x0",
            "ink",
            "../../etc/passwd",
        ),
    ]
)
JSON = st.recursive(
    ODD,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
BODIES = st.fixed_dictionaries(
    {"prompt": st.just("a") | ODD}, optional=dict.fromkeys(FIELDS[1:], ODD | JSON)
)


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    info = replace(INFO, edits=True, inpaints=True, controlnets=("edges",), max_pixels=256 * 256)
    service = Service(FakeEngine(info), ContainerSettings())
    yield service
    asyncio.run(service.intake.aclose())


@pytest.fixture(scope="module")
def app(service: Service) -> Any:
    return application(service)


def ask(app: Any, path: str, raw: bytes, headers: dict[str, str]) -> httpx2.Response:
    async def asking() -> httpx2.Response:
        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.post(path, content=raw, headers=headers)

    return asyncio.run(asking())


def check(answer: httpx2.Response, service: Service) -> None:
    assert answer.status_code in (200, 400, 404, 413, 415, 422), answer.text
    assert answer.headers["x-request-id"]
    if answer.status_code != 200:
        body = ErrorBody.model_validate_json(answer.content)
        assert body.request_id == answer.headers["x-request-id"]
        assert not LEAKS.search(answer.content), answer.content
        assert len(answer.content) < 10_000
    assert service.admission.idle.is_set()


COMMON = settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@COMMON
@given(body=BODIES, path=st.sampled_from(PATHS), events=st.booleans())
def test_any_json_object(app: Any, service: Service, body: Any, path: str, events: bool) -> None:
    headers = {"content-type": "application/json"}
    if events:
        headers["accept"] = "text/event-stream"
    raw = json.dumps(body, ensure_ascii=True).encode()
    check(ask(app, path, raw, headers), service)


@COMMON
@given(
    raw=st.binary(max_size=200)
    | st.text(max_size=100).map(lambda text: text.encode("utf-8", "surrogatepass")),
    path=st.sampled_from(PATHS),
    kind=st.sampled_from(
        [
            "application/json",
            "application/json; charset=utf-16",
            "multipart/form-data; boundary=b",
            "multipart/form-data",
            "text/plain",
            "",
        ]
    ),
)
def test_any_bytes(app: Any, service: Service, raw: bytes, path: str, kind: str) -> None:
    check(ask(app, path, raw, {"content-type": kind}), service)


@COMMON
@given(
    parts=st.lists(
        st.tuples(
            st.sampled_from([*FIELDS, "image[]", "image[][]", ""]),
            st.sampled_from(["", "a.png", "../../x", "a\\b"]),
            st.binary(max_size=60),
        ),
        max_size=6,
    )
)
def test_any_form(app: Any, service: Service, parts: list[tuple[str, str, bytes]]) -> None:
    raw = b""
    for name, filename, data in parts:
        file = f'; filename="{filename}"' if filename else ""
        raw += f'--b\r\ncontent-disposition: form-data; name="{name}"{file}\r\n\r\n'.encode()
        raw += data + b"\r\n"
    headers = {"content-type": "multipart/form-data; boundary=b"}
    check(ask(app, "/v1/images/edits", raw + b"--b--\r\n", headers), service)


@COMMON
@given(
    name=st.sampled_from(
        ["idempotency-key", "x-request-id", "accept", "user-agent", "content-type"]
    ),
    value=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=300),
)
def test_any_header(app: Any, service: Service, name: str, value: str) -> None:
    headers = {"content-type": "application/json"} | {name: value}
    check(ask(app, PATHS[0], b'{"prompt":"a"}', headers), service)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"])
@pytest.mark.parametrize(
    "path", [*PATHS, "/health", "/v1/models", "/v1/images/results/x", "//", "/%00"]
)
async def test_any_method_anywhere(app: Any, method: str, path: str) -> None:
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
        answer = await client.request(method, path)
    assert answer.status_code in (200, 404, 405)
    if answer.status_code != 200:
        assert ErrorBody.model_validate_json(answer.content).error.code
