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
from friendli_server.dedicated.replicas.interfaces import LaunchError, ReplicaSpec
from friendli_server.dedicated.replicas.local import LocalProcesses

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
    launcher = LocalProcesses({"postcard": "postcard"}, program=(sys.executable, "-c", STAND_IN))
    yield launcher
    await launcher.close()
    assert launcher.running() == set()


async def is_ready(url: str) -> None:
    async with httpx2.AsyncClient() as http, asyncio.timeout(30):
        while not await ContainerClient(http).is_ready(url):  # noqa: ASYNC110
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


def test_names_become_the_operators_paths() -> None:
    launcher = LocalProcesses({"kite": "/models/kite", "ink": "/models/ink.safetensors"})
    spec = ReplicaSpec(model="kite", adapters={"pen": "ink"})
    words = launcher.arguments(spec, port=1234)
    assert words[0] == "/models/kite"
    assert words[words.index("--adapter") + 1] == "pen=/models/ink.safetensors"
    assert words[words.index("--port") + 1] == "1234"


@pytest.mark.parametrize(
    ("spec", "hub"),
    [
        (ReplicaSpec(model="org/model"), False),
        (ReplicaSpec(model="unknown"), True),
        (ReplicaSpec(model="kite", adapters={"pen": "org/ink"}), True),
    ],
)
def test_what_the_operator_does_not_offer_is_not_started(spec: ReplicaSpec, hub: bool) -> None:
    launcher = LocalProcesses({"kite": "/models/kite"}, hub_models=hub)
    with pytest.raises(LaunchError, match="CANNOT_ACCESS_REPO"):
        launcher.arguments(spec, port=1)


def test_hub_models_may_be_named_if_the_operator_allows_it() -> None:
    launcher = LocalProcesses({}, hub_models=True)
    assert launcher.arguments(ReplicaSpec(model="org/model"), port=1)[0] == "org/model"
