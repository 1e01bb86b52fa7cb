"""Several hundred hostile requests through a real server: each refused by name, none remembered."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import httpx2
import pytest
from friendli_server.container.service import Service
from friendli_wire import ErrorBody
from msgspec.structs import replace
from server.fakes import INFO, FakeEngine
from server.hostile import Attack, every
from server.kontext import lay_out
from server.running import Container, running
from server.test_hostile import LEAKS

REFUSALS = {400, 403, 404, 408, 413, 415, 421, 422}


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine(
        replace(INFO, edits=True, inpaints=True, controlnets=("edges",), max_pixels=256 * 256)
    )


@asynccontextmanager
async def listening() -> AsyncIterator[tuple[int, list[object]]]:
    """A canary on loopback: its port, and who reached it."""
    reached: list[object] = []

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.append(await reader.read(100))
        writer.close()

    server = await asyncio.start_server(note, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], reached


async def refused(client: httpx2.AsyncClient, attack: Attack) -> str | None:
    """What is wrong with the answer to `attack`; None if it is a refusal as it should be."""
    try:
        answer = await client.post(attack.path, content=attack.body, headers=attack.headers)
    except httpx2.HTTPError as error:
        return f"{attack.name}: {error!r}"
    if answer.status_code not in REFUSALS:
        return f"{attack.name}: {answer.status_code} {answer.text[:100]}"
    body = ErrorBody.model_validate_json(answer.content)
    if LEAKS.search(answer.content) or len(answer.content) > 10_000:
        return f"{attack.name} leaks: {answer.text[:300]}"
    named = body.request_id == answer.headers["x-request-id"] and body.message
    return None if named else f"{attack.name}: {answer.text[:300]}"


async def faults(client: httpx2.AsyncClient, attacks: list[Attack], *, at_once: int) -> list[str]:
    places = asyncio.Semaphore(at_once)

    async def one(attack: Attack) -> str | None:
        async with places:
            return await refused(client, attack)

    return [fault for fault in await asyncio.gather(*map(one, attacks)) if fault]


@pytest.mark.requirement("S4.errors", "S4.hostile")
async def test_every_hostile_request_is_refused_by_name_and_reaches_nobody(
    address: str, engine: FakeEngine, service: Service
) -> None:
    async with (
        listening() as (port, reached),
        httpx2.AsyncClient(base_url=address, timeout=120) as client,
    ):
        attacks = every(port)
        assert len(attacks) >= 600
        assert await faults(client, attacks, at_once=8) == []
    assert reached == []
    assert engine.asked == []
    assert service.admission.idle.is_set()


@pytest.fixture(scope="module")
def container(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    model = lay_out(tmp_path_factory.mktemp("models") / "kontext")
    with running(model, "--max-queue", "64", "--max-per-client", "64") as container:
        yield container


@pytest.mark.slow
@pytest.mark.requirement("S4.hostile")
async def test_after_thousands_of_them_memory_is_where_it_was_and_pictures_are_made(
    container: Container,
) -> None:
    async def attacked(rounds: int) -> None:
        for _ in range(rounds):
            assert await faults(client, attacks, at_once=16) == []

    async with (
        listening() as (port, reached),
        httpx2.AsyncClient(base_url=container.url, timeout=60) as client,
    ):
        attacks = every(port)
        await attacked(1)  # starts the decoders and fills what is filled once
        before = container.usage.memory_info().rss
        await attacked(4)
        grown = container.usage.memory_info().rss - before
    print(json.dumps({"requests": 5 * len(attacks), "grown_bytes": grown}))  # noqa: T201
    assert reached == []
    assert grown < 20 * 2**20
    assert container.picture().size == (32, 32)
