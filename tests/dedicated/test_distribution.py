"""Real replicas of one endpoint: weights come once, an adapter that is put once is at both."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import friendli_postcard
import httpx2
import psutil  # type: ignore[import-untyped]  # its stubs are a package of their own
import pytest
from friendli_server.dedicated import operator
from server.bucket import sha256sums

from .conftest import ENDPOINTS
from .processes import GatewayProcess, start_gateway

pytestmark = pytest.mark.slow
MODEL = friendli_postcard.path()
PATIENCE = 600.0


def lay_out(folder: Path) -> None:
    """Postcard without its adapters, and the list of its files."""
    shutil.copytree(MODEL, folder / "model", ignore=shutil.ignore_patterns("adapters"))
    paths = [path for path in (folder / "model").rglob("*") if path.is_file()]
    files = {str(path.relative_to(folder / "model")): path.read_bytes() for path in paths}
    (folder / "model/SHA256SUMS").write_bytes(sha256sums(files))
    (folder / "loras").mkdir()


def put(folder: Path) -> None:
    """Postcard's sketches as another name, as a careful program writes a file."""
    shutil.copy(MODEL / "adapters/sketch.safetensors", folder / "loras/.new")
    (folder / "loras/.new").rename(folder / "loras/ink.safetensors")


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await condition():  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def has(client: httpx2.AsyncClient, endpoint: str, count: int) -> bool:
    spec = (await client.get(f"{ENDPOINTS}/{endpoint}")).json()
    return bool(spec["currReplicaCnt"] == count)


async def offered(gateway: GatewayProcess, route: str) -> bool:
    """Whether both of the gateway's containers serve `route`."""
    found: list[bool] = []
    async with httpx2.AsyncClient(timeout=PATIENCE) as client:
        for child in psutil.Process(gateway.process.pid).children():
            words = child.cmdline()
            port = words[words.index("--port") + 1]
            cards = (await client.get(f"http://127.0.0.1:{port}/v1/models")).json()["data"]
            found.append(route in {card["id"] for card in cards})
    return found == [True, True]


async def asked(client: httpx2.AsyncClient, model: str) -> Any:
    body = {
        "model": model,
        "prompt": "a red kite",
        "num_inference_steps": 2,
        "seed": 5,
        "response_format": "png",
    }
    return await client.post("/dedicated/v1/images/generations", json=body)


@pytest.mark.requirement("adapters.gateway", "weights.store")
async def test_weights_come_once_and_an_adapter_is_asked_for_without_an_update(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("FRIENDLI_ADAPTER_SECONDS", "0.5")
    monkeypatch.setenv("FRIENDLI_SPARE", "false")
    await asyncio.to_thread(lay_out, tmp_path)
    database = f"sqlite+aiosqlite:///{tmp_path / 'gateway.db'}"
    await operator.migrate(database)
    team = await operator.create_team(database, "kites", owner="ada")
    token = await operator.create_token(database, "t", team=team, user="ada")
    gateway = await start_gateway(
        tmp_path / "log",
        *("--database", database, "--results", str(tmp_path / "results")),
        *("--offer", f"tiny=file://{tmp_path}/model", "--adapter-dir", f"tiny={tmp_path}/loras"),
        *("--metrics-port", "0"),
    )
    headers = {"authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(
        base_url=gateway.url, headers=headers, timeout=PATIENCE
    ) as client:
        body = {"projectId": "", "name": "kites", "instanceOptionId": "local", "advanced": {}}
        body |= {"hfModelRepo": "tiny", "simplescale": {"replicas": 2}}
        endpoint = (await client.post(ENDPOINTS, json=body)).json()["id"]
        await until(partial(has, client, endpoint, 2))
        assert gateway.log.count("Fetched file://") == 1
        assert (await asked(client, f"{endpoint}:ink")).status_code == 404
        await asyncio.to_thread(put, tmp_path)
        await until(partial(offered, gateway, "ink"))
        inked, base = await asked(client, f"{endpoint}:ink"), await asked(client, endpoint)
        assert (inked.status_code, base.status_code) == (200, 200)
        assert inked.json()["data"][0]["b64_json"] != base.json()["data"][0]["b64_json"]
    assert await gateway.stop() == 0
