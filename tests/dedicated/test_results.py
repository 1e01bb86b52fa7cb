"""Result links: what they show, and every way in which they must not open."""

from __future__ import annotations

import asyncio
import base64
import os
import resource
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from friendli_server.dedicated.accounts.models import Team
from friendli_server.dedicated.results import signing
from friendli_server.dedicated.results.signing import LinkSigner
from friendli_server.dedicated.usage.models import RunningJob
from PIL import Image
from sqlalchemy import select

from . import fakes
from .conftest import World, WorldMaker


async def link(world: World, name: str = "alpha") -> str:
    tenant = await world.tenant(name)
    answer = await world.generate(tenant, await world.endpoint(tenant))
    return str(answer.json()["data"][0]["url"])


def parts(url: str) -> tuple[str, str, str]:
    """A link's path, end and signature."""
    split = urlsplit(url)
    query = parse_qs(split.query)
    return split.path, query["expires"][0], query["signature"][0]


async def test_what_a_link_shows_is_inert(world: World) -> None:
    shown = await world.client.get(await link(world))
    assert shown.headers["content-type"] == "image/jpeg"
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in shown.headers["content-security-policy"]
    assert shown.headers["content-disposition"].startswith("inline; filename=")
    assert "set-cookie" not in shown.headers


async def test_any_node_with_the_database_and_the_store_shows_it(make_world: object) -> None:
    here: World = await make_world()  # type: ignore[operator]
    there: World = await make_world()  # type: ignore[operator]
    url = await link(here)
    assert (await there.client.get(url)).content == (await here.client.get(url)).content


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ("{path}", 403),
        ("{path}?expires={expires}", 403),
        ("{path}?expires={expires}&signature=", 403),
        ("{path}?expires={expires}&signature={signature}x", 403),
        ("{path}?expires={expires}&signature={flipped}", 403),
        ("{path}?expires={expires}&signature=%C3%A9", 403),
        ("{path}?expires={later}&signature={signature}", 403),
        ("{path}?expires=99999999999999&signature={signature}", 403),
        ("{path}?expires=-1&signature={signature}", 403),
        ("{path}?expires=1e9&signature={signature}", 403),
        ("{other}?expires={expires}&signature={signature}", 403),
        ("{png}?expires={expires}&signature={signature}", 403),
        ("{folder}?expires={expires}&signature={signature}", 404),
        ("{folder}/?expires={expires}&signature={signature}", 404),
        ("/dedicated/results/?expires={expires}&signature={signature}", 404),
        ("/dedicated/results/%2e%2e/gateway.db?expires={expires}&signature={signature}", 404),
        ("/dedicated/results/..%2f..%2fetc/passwd?expires={expires}&signature={signature}", 404),
        ("{folder}/..%2f..%2fgateway.db?expires={expires}&signature={signature}", 404),
        ("{path}%00?expires={expires}&signature={signature}", 404),
        ("{path}/?expires={expires}&signature={signature}", 404),
        ("{upper}?expires={expires}&signature={signature}", 404),
    ],
)
async def test_an_altered_link_does_not_open(world: World, change: str, status: int) -> None:
    path, expires, signature = parts(await link(world))
    folder, _, file = path.rpartition("/")
    flip = "A" if signature[5] != "A" else "B"
    url = change.format(
        path=path,
        expires=expires,
        later=int(expires) + 1,
        signature=quote(signature),
        flipped=quote(signature[:5] + flip + signature[6:]),
        other=f"{folder}/{'0' * 32}.jpg",
        png=path.replace(".jpg", ".png"),
        folder=folder,
        upper=f"{folder}/{file.upper()}",
    )
    answer = await world.client.get(url, follow_redirects=False)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"


async def test_a_link_ends(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    url = await link(world)
    expires = int(parts(url)[1])
    monkeypatch.setattr(signing, "_now", lambda: float(expires + signing.CLOCK_SKEW_SECONDS))
    assert (await world.client.get(url)).status_code == 200
    monkeypatch.setattr(signing, "_now", lambda: float(expires + signing.CLOCK_SKEW_SECONDS + 1))
    answer = await world.client.get(url)
    assert answer.status_code == 410
    assert answer.json()["error"]["code"] == "link_expired"


async def test_another_secret_opens_nothing(world: World) -> None:
    path, _, _ = parts(await link(world))
    forged = LinkSigner("guess", lifetime=60).query(path.removeprefix("/dedicated/results/"))
    assert (await world.client.get(f"{path}?{forged}")).status_code == 403


@pytest.mark.parametrize(
    ("asked", "status", "start", "stop"),
    [
        ("bytes=0-9", 206, 0, 10),
        ("bytes=5-", 206, 5, None),
        ("bytes=-7", 206, -7, None),
        ("bytes=0-999999", 206, 0, None),
        ("bytes=999999-", 416, 0, 0),
        ("bytes=9-5", 200, 0, None),
        ("bytes=0-1,4-5", 200, 0, None),
        ("pages=1-2", 200, 0, None),
        ("bytes=-", 200, 0, None),
    ],
)
async def test_a_range_of_bytes_can_be_asked_for(
    world: World, asked: str, status: int, start: int, stop: int | None
) -> None:
    url = await link(world)
    whole = (await world.client.get(url)).content
    answer = await world.client.get(url, headers={"range": asked})
    assert answer.status_code == status
    assert answer.content == whole[start:stop]
    if status == 206:
        assert answer.headers["content-range"].endswith(f"/{len(whole)}")


async def test_a_client_that_has_the_picture_is_not_sent_it_again(world: World) -> None:
    url = await link(world)
    etag = (await world.client.get(url)).headers["etag"]
    answer = await world.client.get(url, headers={"if-none-match": etag})
    assert (answer.status_code, answer.content) == (304, b"")


async def test_pictures_past_their_retention_go(world: World) -> None:
    url = await link(world)
    assert await world.gateway.results.sweep(older_than=timedelta(hours=1)) == 0
    assert await world.gateway.results.sweep(older_than=timedelta(0)) == 1
    assert (await world.client.get(url)).status_code == 404


async def test_a_teams_pictures_go_with_it_and_no_other_teams(world: World) -> None:
    gone, stays = await link(world, "gone"), await link(world, "stays")
    team = urlsplit(gone).path.split("/")[3]
    await world.gateway.results.delete_team(team)
    assert (await world.client.get(gone)).status_code == 404
    assert (await world.client.get(stays)).status_code == 200


async def test_a_team_deleted_while_its_picture_is_made_leaves_none_behind(
    world: World, tmp_path: Path
) -> None:
    world.launcher.held = True
    tenant = await world.tenant()
    endpoint = await world.endpoint(tenant)
    container = world.launcher.launched[0]
    making = asyncio.create_task(world.generate(tenant, endpoint))

    async def begun() -> bool:
        return len(container.bodies) == 1

    await world.until(begun)
    async with world.gateway.database.transaction() as session:
        await session.delete(await session.get_one(Team, tenant.id))
    await world.gateway.results.delete_team(tenant.id)
    container.released.set()
    answer = await making
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "team_not_found")
    assert [path for path in (tmp_path / "results").rglob("*") if path.is_file()] == []
    async with world.gateway.database.transaction() as session:
        assert list(await session.scalars(select(RunningJob.id))) == []


@pytest.fixture
def small_disk() -> Iterator[None]:
    """No file may grow beyond a megabyte while the block runs: the database's do not."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def noise() -> bytes:
    """A picture whose file is larger than that, as base64."""
    out = BytesIO()
    Image.frombytes("RGB", (1024, 1024), os.urandom(3 * 2**20)).save(out, "png")
    return base64.b64encode(out.getvalue())


@pytest.mark.requirement("gateway.disk")
@pytest.mark.usefixtures("small_disk")
async def test_a_full_disk_is_a_503_and_nothing_is_half_written(
    make_world: WorldMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "results"
    world: World = await make_world(url_format="png")
    tenant = await world.tenant()
    endpoint = await world.endpoint(tenant)
    monkeypatch.setattr(fakes, "picture", lambda *_: noise())
    answer = await world.generate(tenant, endpoint)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "storage_unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert [path for path in folder.rglob("*") if path.is_file()] == []
    usage = await world.client.get("/dedicated/v1/team/usage", headers=tenant.headers)
    assert usage.json()["images"] == 0
    assert (await world.generate(tenant, endpoint, response_format="png")).status_code == 200
    monkeypatch.undo()
    assert (await world.generate(tenant, endpoint)).status_code == 200


async def test_a_store_that_cannot_be_written_is_a_503(
    make_world: WorldMaker, tmp_path: Path
) -> None:
    world: World = await make_world(results=str(tmp_path / "tiny"))
    tenant = await world.tenant()
    endpoint = await world.endpoint(tenant)
    (tmp_path / "tiny" / tenant.id).write_text("a file where the team's folder should be")
    answer = await world.generate(tenant, endpoint)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "storage_unavailable")
