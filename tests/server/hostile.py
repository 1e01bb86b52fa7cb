"""What a hostile caller sends: several hundred requests, each of which must be refused by name.

`CANARY` in a URL stands for the port of a listener on loopback that nothing may ever reach.
"""

from __future__ import annotations

import base64
import gzip
import io
import json
import struct
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from PIL import Image
from server.running import EDIT, GENERATE

CANARY = "CANARY"
JSON = {"content-type": "application/json"}
FORM = {"content-type": "multipart/form-data; boundary=b"}


class Attack(NamedTuple):
    """A request that must be refused with a 4xx."""

    name: str
    path: str
    body: bytes
    headers: dict[str, str] = JSON


def png(size: tuple[int, int] = (16, 16), mode: str = "RGB", **how: Any) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size).save(out, how.pop("kind", "PNG"), **how)
    return out.getvalue()


def uri(data: bytes, media: str = "image/png") -> dict[str, str]:
    return {"image": f"data:{media};base64,{base64.b64encode(data).decode()}"}


def attack(name: str, path: str = GENERATE, **body: Any) -> Attack:
    """One with `body` as JSON; numbers that JSON does not have are written as Python does."""
    return Attack(name, path, json.dumps({"prompt": "a"} | body).encode())


NAN, HUGE = float("nan"), 10**400
NO_INTEGERS: list[Any] = [1.5, "10", "", True, [], {}, [1], HUGE, -HUGE, NAN, float("inf"), 1e308]
NO_NUMBERS: list[Any] = ["3", "", True, [], {}, NAN, float("inf"), float("-inf"), HUGE]
NO_STRINGS: list[Any] = [1, 0, 1.5, True, False, [], {}, ["a"]]
GOOD = {"image": base64.b64encode(png()).decode()}

FIELDS: dict[str, list[Any]] = {
    "prompt": [*NO_STRINGS, None, "x" * 10_001, "x" * 2**20, "é" * 20_000],
    "num_inference_steps": [*NO_INTEGERS, 0, -1, 51, 1000, 2**31, 2**63, 2**64, -(2**63)],
    "guidance_scale": [*NO_NUMBERS, -0.1, -1, 100.1, 1e9, 1e308],
    "seed": [*NO_INTEGERS, 2**64, -(2**63) - 1, 2**128],
    "model": NO_STRINGS,
    "response_format": [*NO_STRINGS, "png", "JPEG", "", "jpeg ", "jpeg\0", "raw,jpeg", "x" * 9999],
    "control_images": [
        {}, "x", 1, True, [1], [{}], ["x"], [None], [[]], [{"image": 1}], [{"image": None}],
        [{"image": []}], [{"image": ""}], [{"img": "x"}], [GOOD] * 9, [GOOD] * 5000,
    ],
    "controlnet_weights": [{}, "1", 1, ["1"], [NAN], [None], [[1]], [1], [1] * 9999],
    "n": [*NO_INTEGERS, 0, -1, 11, 2**63],
    "size": [
        *NO_STRINGS, "", "0x0", "1x1", "-8x8", "8x-8", "8x", "x8", "8", "8X8", "8x8x8", " 8x8",
        "8x8 ", "8×8", "08x8", "1e1x8", "64x65", "99999x99999", "100000x8", "8x8\0", "auto ",
    ],
    "stream": ["true", 1, 0, [], {}, ""],
    "partial_images": [*NO_INTEGERS, -1, 4, 2**63],
    "output_format": [*NO_STRINGS, "gif", "svg", "PNG", "", "png "],
    "output_compression": [*NO_INTEGERS, -1, 101],
    "preview_every": [*NO_INTEGERS, -1, -(2**63)],
}  # fmt: skip


def fields() -> Iterator[Attack]:
    """Every field with what it cannot be."""
    for field, values in FIELDS.items():
        for i, value in enumerate(values):
            yield attack(f"{field}-{i}", **{field: value})
    for i, weights in enumerate([[2], [-0.1], [1e9], [0.5, 0.5], [NAN]]):
        yield attack(f"weights-{i}", control_images=[GOOD], controlnet_weights=weights)
    for i, body in enumerate([{}, {"inputs": 1}, {"inputs": None}, {"inputs": ["a"]}]):
        yield Attack(f"root-{i}", "/", json.dumps(body).encode())
    for key in ("num_inference_steps", "guidance_scale", "seed", "width", "height"):
        for i, value in enumerate(["1", True, [], NAN, -1e9, HUGE]):
            body = {"inputs": "a", "parameters": {key: value}}
            yield Attack(f"root-{key}-{i}", "/", json.dumps(body).encode())


def adapters() -> Iterator[Attack]:
    """Routes that are paths, URLs, hub ids or nothing at all."""
    names = [
        "../../etc/passwd", "/etc/passwd", "..", ".", "/", "ink/../oil", "ink\0", "\0", " ink",
        "ink ", "INK", "ink.safetensors", "adapters/ink", "file:///etc/passwd",
        "http://127.0.0.1/x", "\\\\h\\x", "black-forest-labs/FLUX.1-dev", "user/lora@main",
        "x" * 300, "x" * 100_000, "${HOME}", "$(id)", "%2e%2e%2fink", "ink?x=1", "ink#x", "{0}",
        "%s%n", "<script>", "' or 1=1 --", "ink\r\nx: y", "é" * 50, "\u202eink", "__proto__",
        "None", "null", "-1",
    ]  # fmt: skip
    for i, name in enumerate(names):
        yield attack(f"adapter-{i}", model=name)


def bomb(width: int, height: int, *more: tuple[bytes, bytes]) -> bytes:
    """A PNG whose head promises more than its few bytes hold, with further chunks."""

    def chunk(name: bytes, data: bytes) -> bytes:
        check = zlib.crc32(name + data)
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", head), *more, (b"IDAT", b""), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*one) for one in chunks)


def images() -> Iterator[Attack]:
    """Pictures that are none, too small, too large, bombs, or of other formats."""
    zeros = zlib.compress(bytes(64 * 2**20))
    files: list[bytes] = [
        b"", b"x", b"\0" * 1000, b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a",
        b"RIFF\0\0\0\0WEBP", b"BM" + bytes(60), b"%PDF-1.7\n", b"%!PS-Adobe-3.0 EPSF-3.0\n",
        b"<svg xmlns='x'/>", b"8BPS\0\1", b"II*\0" + bytes(60), b"SIMPLE  =                    T",
        b"DDS " + bytes(124), b"icns" + bytes(60), b"\0\0\0\x0cjP  \r\n\x87\n",
        gzip.compress(bytes(2**20)), b"PK\3\4" + bytes(60), b"\x7fELF" + bytes(60),
        b"<html></html>", b"{}", png(kind="TIFF"), png(kind="BMP"), png(kind="ICO"),
        png(kind="PPM"), png((1, 1)), png((7, 7)), png((7, 500)), png((500, 7)), png((8193, 8)),
        png((8, 9000)), png()[:40], png(kind="JPEG")[:100], png(kind="WEBP")[:30],
        png(kind="GIF")[:14], bomb(13_000, 13_000), bomb(2**31 - 1, 2**31 - 1), bomb(0, 0),
        bomb(5001, 5001), bomb(64, 64), bomb(64, 64, (b"zTXt", b"a\0\0" + zeros)),
        bomb(64, 64, (b"iCCP", b"a\0\0" + zeros)),
        bomb(64, 64, (b"PLTE", b"abc" * 500)),
    ]  # fmt: skip
    for i, data in enumerate(files):
        yield attack(f"image-{i}", EDIT, image=uri(data))
    texts: list[Any] = [
        "", " ", "%%%", "a", "====", "data:", "data:,", "data:image/png,abc",
        "data:image/png;base64", "data:image/png;base64,%%%", "data:image/png;base64,é", "\0",
        "aGk", "A" * 2**20, "data:;base64,", "data:image/png;base64,AA,BB", 1, None, True, [], {},
        ["x"],
    ]  # fmt: skip
    for i, text in enumerate(texts):
        yield attack(f"text-{i}", EDIT, image={"image": text})
    whole: list[Any] = [
        None, [], {}, "x", 1, True, [[]], [None], [GOOD, None], [GOOD] * 9, [GOOD] * 999,
    ]  # fmt: skip
    for i, image in enumerate(whole):
        yield attack(f"edit-{i}", EDIT, image=image)


def urls() -> Iterator[Attack]:
    """Addresses of this machine and of its network in every notation; a few that are no URL."""
    hosts = [
        "127.0.0.1",
        "localhost", "LOCALHOST", "localhost.", "127.1", "127.0.1", "2130706433", "0x7f000001",
        "0x7f.0.0.1", "0177.0.0.1", "017700000001", "0", "0.0.0.0", "[::1]", "[::]",
        "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:127.0.0.1]", "[::127.0.0.1]",
        "127.0.0.1.", "127.255.255.254", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "①②⑦.⓪.⓪.①",
        "127。0。0。1", "127.0.0.1%00", "127.0.0.1%2f", "a@127.0.0.1", "127.0.0.1\\@example.com",
        "example.com@127.0.0.1", "127.0.0.1#@x", "127.0.0.1?@x", "x:y@localhost",
    ]  # fmt: skip
    for i, host in enumerate(hosts):
        yield attack(f"host-{i}", EDIT, image={"image": f"http://{host}:{CANARY}/a.png"})
        yield attack(f"control-{i}", control_images=[{"image": f"http://{host}:{CANARY}/a.png"}])
    inside = [
        "169.254.169.254/latest/meta-data/", "169.254.170.2/v2", "192.0.0.192/opc",
        "100.100.100.200/", "10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "[fe80::1]",
        "[fc00::1]", "[fd00:ec2::254]", "224.0.0.1", "240.0.0.1", "255.255.255.255", "198.18.0.1",
        "[ff02::1]", "[fe80::1%25lo]",
    ]  # fmt: skip
    for i, place in enumerate(inside):
        yield attack(f"inside-{i}", EDIT, image={"image": f"http://{place}"})
    odd = [
        "file:///etc/passwd", "ftp://example.com/a", "gopher://127.0.0.1/x",
        "dict://127.0.0.1:11211/", "jar:http://127.0.0.1!/", "ldap://127.0.0.1", "s3://bucket/key",
        "unix:///tmp/x", "http:", "http://", "http:///a", "https://:443", "http://exa mple.com",
        "http://example.com:0", "http://example.com:99999", "http://example.com:x", "http://[::1",
        "http://a\r\nb", "http://\0", "javascript:1", "about:blank", "HTTP://127.0.0.1:" + CANARY,
        "//127.0.0.1/a", "http://" + "a" * 3000, "http://" + "a." * 200 + "b",
    ]  # fmt: skip
    for i, url in enumerate(odd):
        yield attack(f"odd-{i}", EDIT, image={"image": url})


def part(name: str, data: bytes, more: str = "") -> bytes:
    head = f'--b\r\ncontent-disposition: form-data; name="{name}"{more}\r\n\r\n'
    return head.encode() + data + b"\r\n"


def bodies() -> Iterator[Attack]:
    """Bodies that are no JSON object, or no form."""
    raws: list[bytes] = [
        b"", b" ", b"null", b"true", b"1", b'"a"', b"[]", b"[{}]", b"{", b'{"prompt"',
        b'{"prompt":}', b"{'prompt':'a'}", b'{"prompt":"a"}}', b'{"prompt":"a"} x',
        b'\xff\xfe{"prompt":"a"}', b"\0", b'{"prompt":"\xff"}', b'{"prompt":"\\ud800"}x',
        b'{"prompt":NaN}', b'{"prompt":"a","seed":1e400}',
        b'{"prompt":"a","seed":' + b"9" * 100_000 + b"}", b"[" * 100_000, b'{"a":' * 10_000,
        b"\x1f\x8b\x08", '{"prompt":"a"}'.encode("utf-16"),
        b'{"prompt":"a","num_inference_steps":01}', b"<xml/>", b"prompt=a",
    ]  # fmt: skip
    for path in (GENERATE, EDIT, "/"):
        for i, raw in enumerate(raws):
            yield Attack(f"json{path}-{i}", path, raw)
    good = part("prompt", b"a") + part("image", png(), '; filename="a.png"')
    forms: list[bytes] = [
        b"", b"--b--", b"--b\r\n", b"--b\r\n\r\n\r\n--b--\r\n", part("prompt", b"a") + b"--b--",
        part("image", png(), '; filename="a"') + b"--b--", good, good[:-4],
        good.replace(b"name=", b"nam="), part("prompt", b"a" * 2**17) + b"--b--",
        part("prompt", b"a") * 100 + b"--b--",
        good + part("image", png(), '; filename="../../a"') * 100 + b"--b--",
        good + part("seed", b"1.5") + b"--b--", good + part("seed", b"x") + b"--b--",
        good + part("num_inference_steps", b"51") + b"--b--",
        good + part("mask", png()) + b"--b--", good + part("guidance_scale", b"nan") + b"--b--",
        good + part("mask", b"x", '; filename="m"') + b"--b--",
        good + part("mask", png(), '; filename="m"') * 2 + b"--b--",
        good + part("image", png(), '; filename="b"') + part("mask", png(), '; filename="m"')
        + b"--b--",
        good + part("n", b"99") + b"--b--",
        part("prompt", b"\xff") + part("image", b"\xff", '; filename="a"') + b"--b--",
    ]  # fmt: skip
    for i, form in enumerate(forms):
        yield Attack(f"form-{i}", EDIT, form, FORM)


def heads() -> Iterator[Attack]:
    """Good bodies under heads that make them none of ours."""
    good = b'{"prompt":"a"}'
    kinds = [
        "", "text/plain", "text/plain;application/json", "application/x-www-form-urlencoded",
        "text/json", "application/jsonx", "application", "multipart/form-data", "application/xml",
        "application/json,text/plain",
    ]  # fmt: skip
    for path in (GENERATE, "/"):
        for i, kind in enumerate(kinds):
            yield Attack(f"type{path}-{i}", path, good, {"content-type": kind})
    others: list[dict[str, str]] = [
        {"content-encoding": "gzip"}, {"content-encoding": "br"},
        {"content-encoding": "identity, gzip"}, {"origin": "https://evil.example"},
        {"origin": "null"}, {"origin": "http://localhost.evil.example"}, {"host": "evil.example"},
        {"host": "localhost.evil.example"}, {"host": "127.0.0.1.evil.example"},
        {"idempotency-key": ""}, {"idempotency-key": "x" * 256}, {"idempotency-key": "a\tb"},
    ]  # fmt: skip
    for i, headers in enumerate(others):
        yield Attack(f"head-{i}", GENERATE, good, JSON | headers)


def every(canary: int) -> list[Attack]:
    """All of them, with the canary's port in place."""
    groups = (fields(), adapters(), images(), urls(), bodies(), heads())
    port = str(canary).encode()
    return [
        one._replace(body=one.body.replace(b"CANARY", port)) for group in groups for one in group
    ]
