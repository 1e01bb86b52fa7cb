"""Requests that come whether or not others are answered: `python -m server.flood PLAN`.

A process of its own, so that it has processor time of its own, and it needs little: it writes the
same bytes again and again on connections that it keeps. When its input ends it stops and prints
how each request ended. Knows no picture.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Ended = tuple[int, float, str]
"""Status (0: the connection broke), seconds, and how it broke."""


@dataclass
class Flood:
    """`rate` requests a second, each a POST of `body` to `url`."""

    url: str
    body: str
    rate: float
    idle: list[Connection] = field(default_factory=list)

    async def run(self, stop: asyncio.Future[object]) -> list[Ended]:
        """Ask until told to stop; how each request ended, in the order in which they came."""
        began, asking = time.perf_counter(), list[asyncio.Task[Ended]]()
        while not stop.done():
            due = int((time.perf_counter() - began) * self.rate) - len(asking)
            asking += [asyncio.create_task(self._ask()) for _ in range(due)]
            await asyncio.wait([stop], timeout=0.005)
        return await asyncio.gather(*asking)

    async def _ask(self) -> Ended:
        began = time.perf_counter()
        try:
            status, broke = await self._exchange(), ""
        except (OSError, EOFError) as error:
            status, broke = 0, repr(error)
        return status, time.perf_counter() - began, broke

    async def _exchange(self) -> int:
        at = urlsplit(self.url)
        connection = self.idle.pop() if self.idle else None
        reader, writer = connection or await asyncio.open_connection(at.hostname, at.port)
        writer.write(self._request(at.path, at.netloc))
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        await reader.readexactly(int(head.partition("content-length:")[2].split()[0]))
        self.idle.append((reader, writer))
        return int(head.split()[1])

    def _request(self, path: str, host: str) -> bytes:
        head = f"POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n"
        return f"{head}content-length: {len(self.body)}\r\n\r\n{self.body}".encode()


async def _until_input_ends() -> list[Ended]:
    stop = asyncio.ensure_future(asyncio.to_thread(sys.stdin.read))
    return await Flood(**json.loads(sys.argv[1])).run(stop)


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_until_input_ends())))  # noqa: T201
