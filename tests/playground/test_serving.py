"""How the playground's files are served: policy, types, caching, size; no browser needed."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from urllib.parse import urljoin

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from friendli_server.container.app import create_app
from friendli_server.playground import mount, routes
from friendli_server.settings import ContainerSettings
from playground.painter import Painter

BUDGET = 60 * 1024
OWN = [path for path in routes.STATIC.rglob("*") if path.is_file() and "vendor" not in path.parts]


@pytest.fixture
def app() -> FastAPI:
    return create_app(Painter(), ContainerSettings())


@pytest.fixture
def client(app: FastAPI) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(app)
    return httpx2.AsyncClient(transport=transport, base_url="http://localhost")


def links(base: str, text: str) -> set[str]:
    """What a page or a module refers to, as absolute paths."""
    pattern = r"""(?:href|src)="([^"]+)"|from "(\.[^"]+)\""""
    return {urljoin(base, next(filter(None, found))) for found in re.findall(pattern, text)}


async def crawl(client: httpx2.AsyncClient) -> dict[str, httpx2.Response]:
    """The page and everything it needs, by path."""
    found: dict[str, httpx2.Response] = {}
    ahead = {"/"}
    while ahead:
        path = ahead.pop()
        found[path] = await client.get(path)
        if not path.endswith("preact.js"):
            needed = links(path, found[path].text)
            ahead |= {path for path in needed if path.startswith("/playground/")} - found.keys()
    return found


async def test_the_page_comes_under_a_strict_policy_and_is_asked_for_anew(
    client: httpx2.AsyncClient,
) -> None:
    page = await client.get("/")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    policy = page.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'self'" in policy
    assert "img-src 'self' data: blob:" in policy
    assert "frame-ancestors 'none'" in policy
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["cache-control"] == "no-cache"


async def test_the_page_has_no_inline_script_or_style(client: httpx2.AsyncClient) -> None:
    text = (await client.get("/")).text
    assert re.findall(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", text) == []


async def test_everything_the_page_needs_is_served_with_its_type_and_may_be_kept(
    client: httpx2.AsyncClient,
) -> None:
    found = await crawl(client)
    types = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
    for path, response in found.items():
        assert response.status_code == 200, path
        assert response.headers["x-content-type-options"] == "nosniff"
        if path.startswith("/playground/"):
            assert response.headers["content-type"].startswith(types[Path(path).suffix])
            assert "immutable" in response.headers["cache-control"]
    served = {Path(path).name for path in found if path.startswith("/playground/")}
    assert served == {path.name for path in OWN if path.name != "index.html"} | {"preact.js"}


async def test_page_and_files_fit_the_budget(client: httpx2.AsyncClient) -> None:
    sizes = [len(gzip.compress(response.content)) for response in (await crawl(client)).values()]
    assert sum(sizes) <= BUDGET


async def test_files_travel_compressed_only_where_that_is_accepted(
    client: httpx2.AsyncClient,
) -> None:
    plain = await client.get("/", headers={"accept-encoding": "identity"})
    packed = await client.get("/", headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"])
    assert packed.content == plain.content


@pytest.mark.parametrize("path", ["routes.py", "../routes.py", "%2e%2e/routes.py", "index.html"])
async def test_nothing_else_is_served(client: httpx2.AsyncClient, path: str) -> None:
    root = next(iter(links("/", (await client.get("/")).text))).rsplit("/", 1)[0]
    assert (await client.get(f"{root}/{path}")).status_code == 404


async def test_a_changed_file_changes_every_address(
    client: httpx2.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "index.html").write_text('<script src="{{root}}/app.js"></script>')
    (tmp_path / "app.js").write_text("1")
    monkeypatch.setattr(routes, "STATIC", tmp_path)

    def address() -> str:
        app = FastAPI()
        mount(app)
        urls = [route.path for route in app.routes if isinstance(route, APIRoute)]
        return next(url for url in urls if url.endswith("app.js"))

    before = address()
    (tmp_path / "app.js").write_text("2")
    assert address() != before


async def test_posting_to_the_root_stays_free_for_the_api(client: httpx2.AsyncClient) -> None:
    answer = await client.post("/", json={"inputs": "a hill", "parameters": {"seed": 1}})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("image/")


async def test_the_playground_stays_out_of_the_published_api(client: httpx2.AsyncClient) -> None:
    paths = (await client.get("/openapi.json")).json()["paths"]
    assert not [path for path in paths if "playground" in path]
    assert "get" not in paths.get("/", {})


def test_no_file_names_a_foreign_address() -> None:
    for path in OWN:
        found = set(re.findall(r"(?:https?:)?//[\w.-]+\.\w+", path.read_text(encoding="utf-8")))
        assert found <= {"http://www.w3.org"}, path


def test_vendored_libraries_carry_their_licences() -> None:
    vendor = routes.STATIC / "vendor"
    assert "LICENSES.txt" in (vendor / "preact.js").read_text(encoding="utf-8")[:400]
    licences = (vendor / "LICENSES.txt").read_text(encoding="utf-8")
    assert "The MIT License" in licences
    assert "Apache License" in licences
