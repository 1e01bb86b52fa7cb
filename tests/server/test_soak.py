"""A container under mixed work for long: memory, descriptors and threads stay where they are.

`FRIENDLI_SOAK_SECONDS` is how long (600); it goes on until as many requests as belong to that time
are answered, so that a slow machine takes longer instead of looking better.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx2
import psutil  # type: ignore[import-untyped]  # its stubs are a package of their own
import pytest
from server.kontext import ADAPTERS, POISON, lay_out
from server.load import ask, caller, slope
from server.running import EDIT, GENERATE, Container, running
from server.test_steering import given

SECONDS = float(os.environ.get("FRIENDLI_SOAK_SECONDS", "600"))
REQUESTS = int(5000 * SECONDS / 600)
AT_ONCE = 8
PICTURE = given("red")
KINDS: list[tuple[int, str, dict[str, Any]]] = [
    *[(200, GENERATE, {"model": route}) for route in (None, *ADAPTERS)],
    (200, GENERATE, {"control_images": [PICTURE]}),
    (200, GENERATE, {"control_images": [PICTURE] * 2, "controlnet_weights": [0.2, 0.9]}),
    # no links: what they lead to is kept for an hour, within a limit of its own
    (200, GENERATE, {"n": 2, "response_format": "b64_json", "size": "64x32"}),
    (200, GENERATE, {"stream": True, "partial_images": 2, "response_format": "b64_json"}),
    (200, GENERATE, {"output_format": "webp", "response_format": "b64_json"}),
    (200, EDIT, {"image": PICTURE}),
    (200, EDIT, {"image": [PICTURE, PICTURE]}),
    (200, "/", {"inputs": "a red car", "parameters": {"num_inference_steps": 2}}),
    (404, GENERATE, {"model": "nobody"}),
    (422, GENERATE, {"num_inference_steps": 99}),
    (422, EDIT, {"image": {"image": "http://127.0.0.1:1/a.png"}}),
    (500, GENERATE, {"prompt": POISON}),
]


@pytest.fixture(scope="module")
def container(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    model = lay_out(tmp_path_factory.mktemp("models") / "kontext")
    with running(model) as container:
        yield container


def held(process: psutil.Process) -> tuple[int, int]:
    """Descriptors and threads."""
    return process.num_fds(), process.num_threads()


async def one(client: httpx2.AsyncClient, dice: random.Random) -> None:
    """A request of some kind, answered as it must be, or left before its answer."""
    status, path, body = dice.choice(KINDS)
    body = body | {
        "seed": dice.randrange(2**32),
        "num_inference_steps": body.get("num_inference_steps", 2),
    }
    asking = asyncio.create_task(ask(client, path, **body))
    if dice.random() < 0.05:
        await asyncio.wait({asking}, timeout=dice.random() / 20)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        return
    answer = await asking
    assert answer.status == status, (body, answer)


@pytest.mark.slow
@pytest.mark.requirement("S4.soak")
async def test_memory_descriptors_and_threads_stay_where_they_are(container: Container) -> None:
    processes = {"server": container.usage, "engine": container.worker()}
    numbers, began, done = itertools.count(), time.perf_counter(), Counter[str]()
    sizes: dict[str, list[tuple[float, float]]] = {name: [] for name in processes}

    def over() -> bool:
        return time.perf_counter() - began > SECONDS and done["requests"] >= REQUESTS

    async def asking(client: httpx2.AsyncClient) -> None:
        dice = random.Random(next(numbers))
        while not over():
            await one(client, dice)
            done["requests"] += 1

    async def sampling() -> None:
        while not over():
            for name, process in processes.items():
                sizes[name].append((done["requests"], process.memory_info().rss))
            await asyncio.sleep(SECONDS / 200)

    async with caller(container) as client:
        for kind in KINDS:  # what is made once is made
            await ask(client, kind[1], **kind[2])
        before = {name: held(process) for name, process in processes.items()}
        await asyncio.gather(sampling(), *(asking(client) for _ in range(AT_ONCE)))
    await asyncio.sleep(6)  # idle connections are closed after five seconds
    after = {name: held(process) for name, process in processes.items()}
    # The first third fills what is bounded: kept pictures, caches, the allocator's arenas.
    settled = {name: points[len(points) // 3 :] for name, points in sizes.items()}
    slopes = {name: slope(points) * 1000 / 2**20 for name, points in settled.items()}
    figures = {"requests": done["requests"], "seconds": time.perf_counter() - began}
    print(json.dumps(figures | {"mib_per_1000": slopes, "before": before, "after": after}))  # noqa: T201
    assert max(slopes.values()) < 1.0
    for name in processes:
        assert after[name][0] <= before[name][0] + 4
        assert after[name][1] <= before[name][1] + 4
    assert container.status() == 200
