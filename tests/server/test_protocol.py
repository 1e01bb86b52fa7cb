"""Below the application: interim answers for clients that need them, limits for the others."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import h11
import httpx
import httpx2
import pytest
from friendli_server import heartbeat
from friendli_server.protocol import GuardedProtocol
from official import official_python, run_official
from server.fakes import FakeEngine

__all__ = ["official_python"]

PATH = "/v1/images/generations"
BODY = {"prompt": "a", "num_inference_steps": 1}


class Beats:
    """Counts interim answers and opens the engine's gate after enough of them."""

    def __init__(self, engine: FakeEngine, enough: int) -> None:
        engine.gate = asyncio.Semaphore(0)
        self.engine, self.left = engine, enough

    def count(self) -> None:
        self.left -= 1
        if self.left == 0 and self.engine.gate:
            self.engine.gate.release()


@pytest.fixture
def beats(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Beats]:
    def arm(enough: int) -> Beats:
        counted = Beats(engine, enough)
        inform = GuardedProtocol._inform

        def counting(*args: Any) -> None:
            inform(*args)
            counted.count()

        monkeypatch.setattr(GuardedProtocol, "_inform", counting)
        monkeypatch.setattr(heartbeat, "SECONDS", 0.1)
        return counted

    return arm


@pytest.mark.parametrize("library", [httpx, httpx2])
async def test_httpx_waits_for_a_picture_longer_than_its_timeout(
    address: str, engine: FakeEngine, beats: Callable[[int], Beats], library: Any
) -> None:
    beats(12)
    async with library.AsyncClient(timeout=0.5) as client:
        answer = await client.post(address + PATH, json=BODY)
    assert answer.status_code == 200
    assert len(engine.asked) == 1


async def test_the_official_client_waits_with_exactly_one_post(
    address: str, engine: FakeEngine, beats: Callable[[int], Beats], official_python: Path
) -> None:
    beats(15)
    script = """
import sys
from friendli import SyncFriendli
with SyncFriendli(token="t", timeout_ms=500) as friendli:
    res = friendli.container.image.generate(
        prompt="p", num_inference_steps=1, server_url=sys.argv[1])
print(len(res.image) > 100)
"""
    assert await asyncio.to_thread(run_official, official_python, script, address) == "True\n"
    assert len(engine.asked) == 1


class Wire:
    """A raw connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def to(cls, address: str) -> Wire:
        parts = urlsplit(address)
        return cls(*await asyncio.open_connection(parts.hostname, parts.port))

    async def ask(self, raw: bytes) -> bytes:
        """Send `raw`; everything until the server closes."""
        self.writer.write(raw)
        try:
            return await asyncio.wait_for(self.reader.read(), 10)
        finally:
            self.writer.close()


def request(agent: str, body: dict[str, Any]) -> bytes:
    data = json.dumps(body).encode()
    head = (
        f"POST {PATH} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nuser-agent: {agent}\r\n"
    )
    head += f"content-type: application/json\r\ncontent-length: {len(data)}\r\n\r\n"
    return head.encode() + data


async def test_other_clients_get_no_interim_answer(
    address: str, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "SECONDS", 0.0)
    engine.gate = asyncio.Semaphore(0)
    patient = Wire.ask(await Wire.to(address), request("python-httpx/0.28", BODY))
    other = Wire.ask(await Wire.to(address), request("curl/8", BODY))
    asking = asyncio.gather(patient, other)
    await engine.until(lambda: engine.running == 2)
    for _ in range(2):
        engine.gate.release()
    to_patient, to_other = await asking
    assert to_patient.startswith(b"HTTP/1.1 102 Processing\r\n\r\n")
    assert b"HTTP/1.1 200 OK" in to_patient
    assert to_other.startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize("head", [b"", b"POST /v1/images", b"GET / HTTP/1.1\r\nhost: x\r\n"])
async def test_a_head_that_does_not_come_is_not_waited_for(
    address: str, monkeypatch: pytest.MonkeyPatch, head: bytes
) -> None:
    monkeypatch.setattr(GuardedProtocol, "head_seconds", 0.05)
    assert await (await Wire.to(address)).ask(head) == b""


@pytest.fixture
def accepted(monkeypatch: pytest.MonkeyPatch) -> list[GuardedProtocol]:
    """Every connection that the server has taken."""
    taken: list[GuardedProtocol] = []
    connection_made = GuardedProtocol.connection_made

    def made(self: GuardedProtocol, transport: asyncio.Transport) -> None:
        connection_made(self, transport)
        taken.append(self)

    monkeypatch.setattr(GuardedProtocol, "connection_made", made)
    return taken


@pytest.mark.parametrize("early", [False, True], ids=["answered", "refused before its body"])
async def test_between_two_requests_a_connection_may_rest(
    address: str, accepted: list[GuardedProtocol], early: bool
) -> None:
    wire = await Wire.to(address)
    kind = "text/plain" if early else "application/json"
    head = f"POST {PATH} HTTP/1.1\r\nhost: localhost\r\ncontent-type: {kind}\r\n"
    wire.writer.write(f"{head}content-length: 32\r\n\r\n".encode())
    if early:
        assert await wire.reader.readuntil(b"\r\n") == b"HTTP/1.1 415 Unsupported Media Type\r\n"
    wire.writer.write(json.dumps({"prompt": "p", "size": "8x8"}).ljust(32).encode())
    await wire.reader.readuntil(b"}")
    [connection] = accepted
    async with asyncio.timeout(10):
        while connection.conn.their_state is not h11.IDLE:  # noqa: ASYNC110  # a body is on its way
            await asyncio.sleep(0)
    waits = connection.timeout_keep_alive_task
    assert connection._alarm is None
    assert waits
    assert waits.when() - asyncio.get_running_loop().time() > 60
    wire.writer.close()


@pytest.mark.parametrize("half", [b"", b"GET /health"])
async def test_a_connection_rests_for_a_while_only(
    address: str, monkeypatch: pytest.MonkeyPatch, half: bytes
) -> None:
    monkeypatch.setattr(GuardedProtocol, "head_seconds" if half else "idle_seconds", 0.05)
    live = b"GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n"
    answer = await (await Wire.to(address)).ask(live + half)
    assert answer.startswith(b"HTTP/1.1 200 OK")


async def test_no_piece_of_an_answer_waits_for_the_clients_acknowledgement(
    address: str, accepted: list[GuardedProtocol]
) -> None:
    async with httpx2.AsyncClient() as client:
        await client.get(f"{address}/health/live")
        end = accepted[0].transport.get_extra_info("socket")
        assert end.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize(
    "raw",
    [
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"GARBAGE\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\nbig: " + b"a" * 70_000,
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_a_400_in_the_envelope(address: str, raw: bytes) -> None:
    answer = await (await Wire.to(address)).ask(raw)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400")
    assert json.loads(body)["error"]["code"] == "invalid_http"


async def test_a_body_that_does_not_come_is_a_408(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("friendli_server.body.SECONDS", 0.05)
    answer = await (await Wire.to(address)).ask(request("curl/8", BODY)[:-5])
    assert answer.startswith(b"HTTP/1.1 408")


async def test_a_body_that_nobody_reads_is_answered_and_not_waited_for(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(GuardedProtocol, "linger_seconds", 0.05)
    head = f"POST {PATH} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000000\r\n\r\n".encode()
    answer = await (await Wire.to(address)).ask(head + b"{")
    assert answer.startswith(b"HTTP/1.1 415")


async def test_a_refusal_does_not_end_the_connection_of_who_sends_the_rest(address: str) -> None:
    wire = await Wire.to(address)
    refused = f"POST {PATH} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100000\r\n\r\n".encode()
    wire.writer.write(refused)
    assert (await wire.reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 415")
    wire.writer.write(b"x" * 100_000)
    answers = await wire.ask(request("curl/8", BODY))
    assert b"HTTP/1.1 200 OK" in answers


async def test_a_client_that_reads_nothing_is_dropped(
    address: str, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(GuardedProtocol, "write_seconds", 0.05)
    lost = asyncio.Event()
    connection_lost = GuardedProtocol.connection_lost

    def losing(self: GuardedProtocol, error: Exception | None) -> None:
        connection_lost(self, error)
        lost.set()

    monkeypatch.setattr(GuardedProtocol, "connection_lost", losing)
    wire = await Wire.to(address)
    wire.writer.transport.pause_reading()  # type: ignore[attr-defined]
    large = {"size": "2048x2048", "response_format": "raw", "num_inference_steps": 1}
    wire.writer.write(request("curl/8", {"prompt": "a"} | large))
    await asyncio.wait_for(lost.wait(), 10)
    wire.writer.close()
