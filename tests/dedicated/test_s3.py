"""Pictures in an S3-compatible store, over HTTP: put, signed by the store, read, deleted, gone."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx2
import obstore
import pytest
from obstore.exceptions import GenericError

from .conftest import Tenant, World, WorldMaker
from .s3 import BUCKET, s3

__all__ = ["s3"]


@pytest.fixture(autouse=True)
def _credentials(s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_ENDPOINT": s3,
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }.items():
        monkeypatch.setenv(name, value)


async def made(world: World, name: str = "alpha") -> tuple[Tenant, str]:
    """A team, and a link to a picture of its."""
    tenant = await world.tenant(name)
    answer = await world.generate(tenant, await world.endpoint(tenant))
    assert answer.status_code == 200, answer.text
    return tenant, str(answer.json()["data"][0]["url"])


async def fetched(url: str) -> httpx2.Response:
    async with httpx2.AsyncClient() as client:
        return await client.get(url)


@pytest.mark.requirement("gateway.s3")
async def test_the_store_signs_links_that_show_the_picture_and_end(
    make_world: WorldMaker, s3: str
) -> None:
    world: World = await make_world(results=f"s3://{BUCKET}/some/prefix", link_seconds=120)
    tenant, url = await made(world)
    signed = parse_qs(urlsplit(url).query)
    assert url.startswith(f"{s3}/{BUCKET}/some/prefix/{tenant.id}/")
    assert signed["X-Amz-Expires"] == ["120"]
    assert "secret" not in url
    answer = await fetched(url)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    assert answer.content.startswith(b"\xff\xd8\xff")


async def test_without_presigning_the_gateway_shows_what_the_store_has(
    make_world: WorldMaker,
) -> None:
    world: World = await make_world(results=f"s3://{BUCKET}", presign=False)
    _, url = await made(world)
    assert url.startswith("http://gateway/")
    answer = await world.client.get(url, headers={"range": "bytes=0-2"})
    assert (answer.status_code, answer.content) == (206, b"\xff\xd8\xff")


async def test_retention_and_a_deleted_team_take_pictures_out_of_the_store(
    make_world: WorldMaker,
) -> None:
    world: World = await make_world(results=f"s3://{BUCKET}/gone")
    (old, old_url), (_, kept_url) = await made(world, "old"), await made(world, "kept")
    await world.gateway.results.delete_team(old.id)
    assert (await fetched(old_url)).status_code == 404
    assert (await fetched(kept_url)).status_code == 200
    assert await world.gateway.results.sweep(older_than=timedelta(0)) == 1
    assert (await fetched(kept_url)).status_code == 404


async def test_a_store_that_refuses_is_a_503_and_pictures_in_the_answer_still_come(
    make_world: WorldMaker,
) -> None:
    world: World = await make_world(results="s3://no-such-bucket")
    tenant = await world.tenant()
    endpoint = await world.endpoint(tenant)
    answer = await world.generate(tenant, endpoint)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "storage_unavailable")
    assert "retry-after" in answer.headers
    assert (await world.generate(tenant, endpoint, response_format="png")).status_code == 200


async def test_a_store_that_is_down_is_told_soon(
    make_world: WorldMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT", "http://127.0.0.1:9")
    world: World = await make_world(results=f"s3://{BUCKET}")
    tenant = await world.tenant()
    endpoint = await world.endpoint(tenant)
    async with asyncio.timeout(30):
        answer = await world.generate(tenant, endpoint)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "storage_unavailable")


async def test_a_store_that_will_not_sign_is_a_503(
    make_world: WorldMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(*_: object) -> str:
        raise GenericError("no credentials")

    monkeypatch.setattr(obstore, "sign_async", refused)
    world: World = await make_world(results=f"s3://{BUCKET}")
    tenant = await world.tenant()
    answer = await world.generate(tenant, await world.endpoint(tenant))
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "storage_unavailable")
