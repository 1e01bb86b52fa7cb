"""Callers that ask one endpoint for one picture again and again, and what they were answered."""

from __future__ import annotations

import asyncio
import base64
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2

from .conftest import ENDPOINTS

PATIENCE = 500


@dataclass
class Callers:
    """`client` bears a token; `endpoint` is the model asked for."""

    client: httpx2.AsyncClient
    endpoint: str = ""
    statuses: Counter[int] = field(default_factory=Counter)
    pictures: set[bytes] = field(default_factory=set)

    async def create(self, **changes: Any) -> None:
        """An endpoint of Postcard, by default of two replicas."""
        body = {
            "projectId": "",
            "name": "kites",
            "instanceOptionId": "local",
            "advanced": {},
            "hfModelRepo": "postcard",
            "simplescale": {"replicas": 2},
            **changes,
        }
        self.endpoint = (await self.client.post(ENDPOINTS, json=body)).json()["id"]

    async def spec(self) -> dict[str, Any]:
        """What the API says of the endpoint."""
        answer = await self.client.get(f"{ENDPOINTS}/{self.endpoint}")
        return dict(answer.json())

    async def settled(self) -> bool:
        """Whether both replicas of the version in force are ready, and no other is."""
        spec = await self.spec()
        return bool(spec["updatedReplicaCnt"] == spec["currReplicaCnt"] == 2)

    async def update(self) -> None:
        """A new version of the endpoint, which replaces every replica."""
        await self.client.put(f"{ENDPOINTS}/{self.endpoint}", json={"name": "renamed"})

    async def ask(self) -> None:
        """Ask for the picture, always the same one."""
        body = {
            "model": self.endpoint,
            "prompt": "a red kite",
            "num_inference_steps": 2,
            "seed": 5,
            "response_format": "png",
        }
        answer = await self.client.post("/dedicated/v1/images/generations", json=body)
        self.statuses[answer.status_code] += 1
        if answer.status_code == 200:
            self.pictures.add(base64.b64decode(answer.json()["data"][0]["b64_json"]))

    async def call(self, done: asyncio.Event) -> None:
        """Ask again and again."""
        while not done.is_set():
            await self.ask()

    async def answered(self, more: int) -> None:
        """Until so many more requests were answered."""
        before = self.statuses.total()

        async def enough() -> bool:
            return self.statuses.total() >= before + more

        await until(enough)

    @asynccontextmanager
    async def under_load(self, callers: int) -> AsyncIterator[None]:
        """Callers that go on while the block runs."""
        done = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for _ in range(callers):
                group.create_task(self.call(done))
            try:
                yield
            finally:
                done.set()

    def were_well_served(self) -> bool:
        """Whether all got a picture, and all the same."""
        return set(self.statuses) == {200} and len(self.pictures) == 1


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for what another process brings about."""
    async with asyncio.timeout(PATIENCE):
        while not await condition():  # noqa: ASYNC110 - another process sends no event
            await asyncio.sleep(0.2)
