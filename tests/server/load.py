"""Load on a running container, and what is measured of it."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from server.running import GENERATE, PATIENCE, Container

FEW: dict[str, Any] = {
    "prompt": "a red car",
    "seed": 7,
    "response_format": "raw",
    "num_inference_steps": 4,
}
"""What is asked for unless a test says otherwise."""


@dataclass(frozen=True)
class Answer:
    """How one request ended: its status (0: the connection broke, as `broke` says), seconds."""

    status: int
    seconds: float
    content: bytes = b""
    broke: str = ""


def caller(container: Container) -> httpx2.AsyncClient:
    """A client with room for as many connections as anyone asks for."""
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=100)
    return httpx2.AsyncClient(base_url=container.url, timeout=PATIENCE, limits=limits)


async def ask(client: httpx2.AsyncClient, path: str = GENERATE, **body: Any) -> Answer:
    """Post a body with a prompt, a seed and few steps unless it has its own."""
    body = FEW | body
    began = time.perf_counter()
    try:
        answer = await client.post(path, json=body)
    except httpx2.HTTPError as error:
        return Answer(0, time.perf_counter() - began, broke=repr(error))
    return Answer(answer.status_code, time.perf_counter() - began, answer.content)


async def closed(client: httpx2.AsyncClient, count: int, *, at_once: int, **body: Any) -> float:
    """Pictures per second with always `at_once` requests running."""
    left = list(range(count))

    async def one_after_another() -> None:
        while left:
            answer = await ask(client, **body | {"seed": left.pop()})
            assert answer.status == 200, answer

    began = time.perf_counter()
    await asyncio.gather(*(one_after_another() for _ in range(at_once)))
    return count / (time.perf_counter() - began)


@asynccontextmanager
async def flooded(container: Container, *, rate: float, **body: Any) -> AsyncIterator[list[Answer]]:
    """Inside the block requests come `rate` times a second; after it, how they ended."""
    plan = {"url": container.url + GENERATE, "rate": rate, "body": json.dumps(FEW | body)}
    flood = await asyncio.create_subprocess_exec(
        *[sys.executable, "-m", "server.flood", json.dumps(plan)],
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[1],
    )
    answers: list[Answer] = []
    try:
        yield answers
        told, _ = await flood.communicate(b"")
        answers += [Answer(status, took, broke=broke) for status, took, broke in json.loads(told)]
    finally:
        if flood.returncode is None:
            flood.kill()


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of them lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Of the line that fits best, by least squares."""
    xs, ys = zip(*points, strict=True)
    x, y = sum(xs) / len(xs), sum(ys) / len(ys)
    spread = sum((a - x) ** 2 for a in xs)
    return sum((a - x) * (b - y) for a, b in points) / spread if spread else 0.0
