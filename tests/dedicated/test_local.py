"""Replicas as real processes of this machine: started, seen to die, ended."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator

import httpx2
import pytest
from friendli_server.dedicated.replicas.container import ContainerClient
from friendli_server.dedicated.replicas.interfaces import ReplicaSpec
from friendli_server.dedicated.replicas.local import LocalProcesses
from friendli_server.dedicated.replicas.offers import Offers

SPEC = ReplicaSpec(model="postcard")
STAND_IN = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def log_message(self, *_): pass
port = int(sys.argv[sys.argv.index("--port") + 1])
http.server.HTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""


@pytest.fixture
async def local() -> AsyncIterator[LocalProcesses]:
    """A launcher whose processes listen and are ready, and no more."""
    offers = Offers({"postcard": "postcard"})
    launcher = LocalProcesses(offers, program=(sys.executable, "-c", STAND_IN))
    yield launcher
    await launcher.close()
    assert launcher.running() == set()


async def is_ready(url: str) -> None:
    async with httpx2.AsyncClient() as http, asyncio.timeout(30):
        while not (await ContainerClient(http).health(url)).ready:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_a_launched_process_listens_until_it_is_stopped(local: LocalProcesses) -> None:
    await is_ready(await local.launch("one", SPEC))
    assert local.running() == {"one"}
    await local.stop("one")
    assert local.running() == set()


async def test_a_killed_process_is_seen_to_be_gone(local: LocalProcesses) -> None:
    await is_ready(await local.launch("one", SPEC))
    process = local.process("one")
    os.kill(process.pid, signal.SIGKILL)
    await process.wait()
    assert local.running() == set()
    await local.stop("one")


async def test_unknown_replicas_are_stopped_without_complaint(local: LocalProcesses) -> None:
    await local.stop("never launched")
