"""Fetching pictures: which URLs and addresses are never dialled, and how hostile origins end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from friendli_server.errors import ApiError
from friendli_server.intake import Intake, fetch
from friendli_server.intake.address import is_public
from friendli_server.intake.fetch import Fetcher
from friendli_server.intake.source import is_url, target

# --- URLs and addresses


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/a.png",
        "file:///etc/passwd",
        "gopher://example.com/",
        "http://",
        "http:///a.png",
        "http://user@example.com/",
        "http://user:pw@example.com/",
        "http://example.com\\@127.0.0.1/",
        "http://exa mple.com/",
        "http://example.com/\r\nx: y",
        "http://example.com:0/",
        "http://example.com:99999/",
        "http://example.com:abc/",
        "http://127.0.0.1%2f@example.com/",
        "http://[::1/",
        "http://[fe80::1%25eth0]/",
        "http://①②⑦.0.0.1/",
        "http://example.com/" + "a" * 3000,
        "javascript:alert(1)",
        "http://ex%61mple.com/",
    ],
)
def test_odd_urls_are_refused_before_anything_is_resolved(url: str) -> None:
    assert is_url(url)
    with pytest.raises(ApiError) as caught:
        target(url)
    assert caught.value.code == "invalid_image_url"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.255.255.254",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "100.100.100.200",
        "192.0.0.192",
        "198.18.0.1",
        "224.0.0.1",
        "239.1.1.1",
        "240.0.0.1",
        "255.255.255.255",
        "192.0.2.1",
        "198.51.100.7",
        "203.0.113.9",
        "192.88.99.1",
        "::1",
        "::",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "2002:7f00:1::",
        "2001:0:1::1",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "100::1",
        "2001:db8::1",
        "3fff::1",
        "5f00::1",
        "nonsense",
        "1.2.3",
        "256.1.1.1",
    ],
)
def test_addresses_that_are_not_of_the_public_internet(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "8.8.8.8", "2606:4700::1111", "2a00:1450::8", "::ffff:8.8.8.8"]
)
def test_addresses_of_the_public_internet(address: str) -> None:
    assert is_public(address)


# --- fetching

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def plain(body: bytes, head: str = "HTTP/1.1 200 OK") -> Answer:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"{head}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()

    return answer


@asynccontextmanager
async def origin(answer: Answer) -> AsyncIterator[tuple[str, list[int]]]:
    """A server on loopback: its `host:port`, and how often it was reached."""
    reached = [0]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached[0] += 1
        try:
            await answer(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}", reached


async def fetched(place: str, *, allow: bool = True, url: str | None = None) -> bytes | str:
    """The bytes, or the error's code."""
    fetcher = Fetcher([place] if allow else [])
    try:
        return await fetcher.fetch(url or f"http://{place}/a.png?b=c")
    except ApiError as error:
        return error.code
    finally:
        await fetcher.aclose()


async def test_a_picture_comes_from_an_allowed_private_host() -> None:
    async with origin(plain(b"picture")) as (place, reached):
        assert await fetched(place) == b"picture"
        assert reached == [1]


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "0.0.0.0",
        "0",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "0x7f.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "127.0.0.1.",
    ],
)
async def test_no_spelling_of_a_private_address_is_dialled(host: str) -> None:
    async with origin(plain(b"secret")) as (place, reached):
        code = await fetched(place, allow=False, url=f"http://{host}:{place.split(':')[1]}/")
        assert code in ("invalid_image_url", "failed_to_download_image")
        assert reached == [0]


async def test_a_name_that_resolves_differently_the_second_time_gains_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers, dialled = iter([["93.184.216.34"], ["127.0.0.1"]]), []

    async def resolve(host: str, port: int) -> list[str]:
        return next(answers)

    async def send(
        client: httpx2.AsyncClient, request: httpx2.Request, **_: Any
    ) -> httpx2.Response:
        dialled.append((request.url.host, request.headers["host"], request.extensions))
        raise httpx2.ConnectError("no network in tests")

    monkeypatch.setattr(httpx2.AsyncClient, "send", send)
    with pytest.raises(ApiError):
        await Fetcher(resolve=resolve).fetch("https://rebinding.example:444/a.png")
    [(address, host, extensions)] = dialled
    assert (address, host) == ("93.184.216.34", "rebinding.example:444")
    assert extensions["sni_hostname"] == "rebinding.example"
    assert next(answers) == ["127.0.0.1"]


async def test_one_private_address_among_public_ones_is_too_many() -> None:
    async def resolve(host: str, port: int) -> list[str]:
        return ["93.184.216.34", "10.0.0.1"]

    with pytest.raises(ApiError, match="public"):
        await Fetcher(resolve=resolve).fetch("http://two-faced.example/")


async def test_a_redirect_is_judged_like_a_first_url() -> None:
    async with origin(plain(b"secret")) as (inside, reached):
        redirect = plain(b"", f"HTTP/1.1 302 Found\r\nlocation: http://{inside}/")
        async with origin(redirect) as (place, _):
            assert await fetched(place) == "invalid_image_url"
            assert reached == [0]


async def test_redirects_end() -> None:
    async with origin(plain(b"", "HTTP/1.1 302 Found\r\nlocation: /again")) as (place, reached):
        assert await fetched(place) == "failed_to_download_image"
        assert reached == [fetch.REDIRECTS + 1]


async def _silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def _endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(bytes(2**16))
        await writer.drain()


async def _short(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort")


async def _garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"\x00\x01garbage\r\n\r\n")


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (_silence, "failed_to_download_image"),
        (_endless, "image_too_large"),
        (_short, "failed_to_download_image"),
        (_garbage, "failed_to_download_image"),
        (plain(b"", "HTTP/1.1 404 Not Found"), "failed_to_download_image"),
        (plain(b"x", "HTTP/1.1 200 OK\r\ncontent-encoding: gzip"), "failed_to_download_image"),
        (plain(b"", "HTTP/1.1 302 Found\r\nlocation: file:///etc/passwd"), "invalid_image_url"),
    ],
)
async def test_hostile_origins_are_bounded(
    monkeypatch: pytest.MonkeyPatch, answer: Answer, code: str
) -> None:
    monkeypatch.setattr(fetch, "SECONDS", 0.3 if answer is _silence else 10.0)
    monkeypatch.setattr(fetch, "MAX_BYTES", 2**20)
    async with origin(answer) as (place, _):
        assert await fetched(place) == code


async def test_nobody_listening_is_a_download_that_failed() -> None:
    async with origin(plain(b"")) as (place, _):
        pass
    assert await fetched(place) == "failed_to_download_image"


async def test_urls_can_be_turned_off() -> None:
    with pytest.raises(ApiError) as caught:
        await Intake(urls=False).load(["http://example.com/a.png"], param="image")
    assert (caught.value.code, caught.value.param) == ("invalid_image_url", "image")
