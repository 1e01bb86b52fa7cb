"""Pictures on their way in: what is taken, what is refused, and what is never dialled."""

from __future__ import annotations

import asyncio
import base64
import io
import struct
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from friendli_engine.request import Pixels
from friendli_server.errors import ApiError
from friendli_server.intake import Intake, fetch
from friendli_server.intake.address import is_public
from friendli_server.intake.decode import Decoder, decode
from friendli_server.intake.fetch import Fetcher
from friendli_server.intake.source import decode_base64, is_url, target
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image


def file(
    kind: str = "PNG", size: tuple[int, int] = (16, 12), mode: str = "RGB", **how: Any
) -> bytes:
    out = io.BytesIO()
    colour = how.pop("colour", 0)
    Image.new(mode, size, colour).save(out, kind, **how)
    return out.getvalue()


# --- files


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_the_usual_formats_become_rgb_of_their_size(kind: str, mode: str) -> None:
    decoded = decode(file(kind, mode=mode))
    assert isinstance(decoded, Pixels)
    assert (decoded.width, decoded.height, len(decoded.data)) == (16, 12, 16 * 12 * 3)


@pytest.mark.parametrize("mode", ["1", "P", "LA", "PA", "RGBA", "I;16", "CMYK"])
def test_every_mode_of_pixel_is_taken(mode: str) -> None:
    kind = {"CMYK": "JPEG", "PA": "GIF"}.get(mode, "PNG")
    decoded = decode(file(kind, mode=mode if mode != "PA" else "P"))
    assert isinstance(decoded, Pixels)


def test_transparency_lies_on_white() -> None:
    decoded = decode(file(mode="RGBA", colour=(255, 0, 0, 0)))
    assert isinstance(decoded, Pixels)
    assert decoded.data == b"\xff" * len(decoded.data)


def test_sixteen_bits_become_eight() -> None:
    decoded = decode(file(mode="I;16", colour=0x80FF))
    assert isinstance(decoded, Pixels)
    assert set(decoded.data) == {0x80}


def test_orientation_is_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    decoded = decode(file("JPEG", (16, 12), exif=exif))
    assert isinstance(decoded, Pixels)
    assert (decoded.width, decoded.height) == (12, 16)


def test_the_first_frame_of_an_animation_is_taken() -> None:
    out = io.BytesIO()
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue")]
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:])
    decoded = decode(out.getvalue())
    assert isinstance(decoded, Pixels)
    assert decoded.data[:3] == b"\xff\0\0"


def test_large_pictures_are_shrunk() -> None:
    decoded = decode(file("JPEG", (4000, 100)))
    assert isinstance(decoded, Pixels)
    assert (decoded.width, decoded.height) == (2048, 51)


def bomb(width: int, height: int) -> bytes:
    """A PNG whose head promises more than its few bytes hold."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "unsupported_image_media_type"),
        (b"hello", "unsupported_image_media_type"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "unsupported_image_media_type"),
        (b"%PDF-1.4", "unsupported_image_media_type"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "unsupported_image_media_type"),
        (file("TIFF"), "unsupported_image_media_type"),
        (file("BMP"), "unsupported_image_media_type"),
        (file("ICO", (16, 16)), "unsupported_image_media_type"),
        (file(size=(1, 1)), "image_too_small"),
        (file(size=(7, 100)), "image_too_small"),
        (file(size=(8193, 8)), "image_too_large"),
        (bomb(13_000, 13_000), "image_too_large"),
        (bomb(2**31 - 1, 2**31 - 1), "image_too_large"),
        (bomb(100, 100), "invalid_image"),
        (file(size=(64, 64))[:45], "invalid_image"),
        (file("JPEG", (64, 64))[:300], "invalid_image"),
        (file("WEBP", (64, 64))[:40], "invalid_image"),
    ],
)
def test_what_cannot_be_taken_has_a_fixed_code(data: bytes, code: str) -> None:
    assert decode(data) == code


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_damage_to_a_file_raises(data: st.DataObject) -> None:
    good = bytearray(
        data.draw(st.sampled_from([file("PNG"), file("JPEG"), file("GIF"), file("WEBP")]))
    )
    for _ in range(data.draw(st.integers(1, 8))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    assert isinstance(decode(bytes(good)), Pixels | str)


async def test_decoding_happens_in_another_process_and_survives_its_death(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    decoder = Decoder(workers=1)
    try:
        assert (await decoder.decode(file())).width == 16
        assert decoder._pool
        for process in list(decoder._pool._processes.values()):
            process.kill()
        assert (await decoder.decode(file())).width == 16
        monkeypatch.setattr("friendli_server.intake.decode.SECONDS", 0)
        with pytest.raises(ApiError, match="too long"):
            await decoder.decode(file())
    finally:
        decoder.close()


# --- base64


def test_base64_comes_in_several_clothes() -> None:
    text = base64.b64encode(b"hello").decode()
    clothes = [text, text.rstrip("="), f"data:image/png;base64,{text}", f" {text[:4]}\n{text[4:]} "]
    clothes += [f"data:;base64,{text}", f"DATA:image/png;charset=x;BASE64,{text}"]
    assert {decode_base64(source) for source in clothes} == {b"hello"}
    assert not any(map(is_url, clothes))


@pytest.mark.parametrize(
    "text", ["aGk*", "a", "é", "data:image/png,abc", "data:image/png;base64", "=" * 9 + "a"]
)
def test_what_is_no_base64_is_told_so(text: str) -> None:
    with pytest.raises(ApiError) as caught:
        decode_base64(text)
    assert caught.value.code == "invalid_base64_image"


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
