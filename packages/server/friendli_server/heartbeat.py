"""`102 Processing` while an answer takes time, for clients that give up after 5 silent seconds.

The official client and httpx wait on as long as interim answers come; other HTTP clients break on
them, so nobody else gets any. Needs `protocol.py` below; without it nothing is sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from friendli_server.protocol import INFORMATIONAL

SECONDS = 2.0
PATIENT_AGENTS = ("speakeasy-sdk/python", "python-httpx/", "python-httpx2/")
Inform = Callable[[int, list[tuple[bytes, bytes]]], None]


class Heartbeat:
    """Sends an interim answer every `SECONDS` until the answer begins."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application inside, beating beside it if the client can take it."""
        inform: Inform | None = scope.get("extensions", {}).get(INFORMATIONAL)
        agent = Headers(scope=scope).get("user-agent", "") if scope["type"] == "http" else ""
        if inform is None or not agent.startswith(PATIENT_AGENTS):
            return await self.app(scope, receive, send)
        beating = asyncio.create_task(_beat(inform))

        async def answering(message: Message) -> None:
            beating.cancel()
            await send(message)

        try:
            await self.app(scope, receive, answering)
        finally:
            beating.cancel()


async def _beat(inform: Inform) -> None:
    while True:
        await asyncio.sleep(SECONDS)
        inform(102, [])
