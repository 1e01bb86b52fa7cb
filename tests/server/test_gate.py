"""Keys, hosts and origins: who may ask at all."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from friendli_server.container.app import create_app
from friendli_server.settings import ContainerSettings
from server.fakes import FakeEngine

PATH = "/v1/images/generations"


def client(**settings: Any) -> httpx2.AsyncClient:
    app = create_app(FakeEngine(), ContainerSettings(**settings))
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://localhost")


def bearing(value: str) -> dict[str, str]:
    return {"authorization": value}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        bearing(""),
        bearing("Bearer"),
        bearing("Bearer wrong"),
        bearing("Basic right"),
        bearing("right"),
        bearing("Bearer right, Bearer right"),
        {"x-api-key": "right"},
        {"cookie": "authorization=Bearer right"},
    ],
)
async def test_without_a_key_nothing_is_made(headers: dict[str, str]) -> None:
    answer = await client(api_key=["right"]).post(PATH, json={"prompt": "a"}, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthorized")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_doubled_authorization_header_is_refused() -> None:
    doubled = [("authorization", "Bearer right"), ("authorization", "Bearer right")]
    answer = await client(api_key=["right"]).post(PATH, json={"prompt": "a"}, headers=doubled)
    assert answer.status_code == 401


@pytest.mark.parametrize("key", ["right", "also"])
async def test_each_key_opens(key: str) -> None:
    server = client(api_key=["right", "also"])
    for scheme in ("Bearer", "bearer"):
        answer = await server.post(PATH, json={"prompt": "a"}, headers=bearing(f"{scheme} {key}"))
        assert answer.status_code == 200


async def test_every_route_but_the_public_ones_needs_the_key() -> None:
    server = client(api_key=["right"])
    document = (await server.get("/openapi.json", headers=bearing("Bearer right"))).json()
    routes = [(path, verb) for path, verbs in document["paths"].items() for verb in verbs]
    assert len(routes) >= 6
    for path, verb in [*routes, ("/openapi.json", "get"), ("/nowhere", "get")]:
        answer = await server.request(verb.upper(), path)
        public = path.startswith(("/health", "/v1/images/results/"))
        assert (answer.status_code == 401) is not public, path


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8000", 200),
        ("127.0.0.1", 200),
        ("[::1]:8000", 200),
        ("evil.example", 421),
        ("localhost.evil.example:8000", 421),
        ("", 421),
    ],
)
async def test_a_local_server_answers_to_its_own_names_only(host: str, status: int) -> None:
    answer = await client().post(PATH, json={"prompt": "a"}, headers={"host": host})
    assert answer.status_code == status


async def test_a_public_server_answers_to_any_name() -> None:
    for settings in ({"host": "0.0.0.0"}, {"api_key": ["k"]}):
        answer = await client(**settings).get("/health", headers={"host": "pictures.example"})
        assert answer.status_code == 200


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost.evil.example"]
)
async def test_pages_of_other_origins_may_not_ask(origin: str) -> None:
    answer = await client().post(PATH, json={"prompt": "a"}, headers={"origin": origin})
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers


async def test_our_own_page_may_ask() -> None:
    headers = {"origin": "http://localhost"}
    assert (await client().post(PATH, json={"prompt": "a"}, headers=headers)).status_code == 200


async def test_an_allowed_origin_may_ask_and_read() -> None:
    server, origin = client(allow_origin=["https://app.example"]), {"origin": "https://app.example"}
    asked = {"access-control-request-method": "POST", "access-control-request-headers": "x-a"}
    preflight = await server.options(PATH, headers=origin | asked)
    assert preflight.headers["access-control-allow-origin"] == "https://app.example"
    answer = await server.post(PATH, json={"prompt": "a"}, headers=origin)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "https://app.example"
