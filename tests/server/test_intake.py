"""Picture files and base64 on their way in: what is taken and what is refused."""

from __future__ import annotations

import base64
import io
import signal
import struct
import subprocess
import sys
import zlib
from typing import Any

import pytest
from friendli_engine.request import Pixels
from friendli_server.errors import ApiError
from friendli_server.intake.decode import Decoder, decode
from friendli_server.intake.source import decode_base64, is_url
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


@pytest.mark.parametrize(
    ("mode", "colour", "value"),
    [
        pytest.param("RGBA", (9, 9, 9, 0), 255, id="transparent"),
        pytest.param("RGBA", (9, 9, 9, 255), 9, id="opaque"),
        pytest.param("LA", (255, 64), 191, id="partly"),
        pytest.param("L", 200, 200, id="grey"),
    ],
)
def test_a_mask_is_white_where_it_is_transparent_or_grey_if_it_never_is(
    mode: str, colour: Any, value: int
) -> None:
    decoded = decode(file(mode=mode, colour=colour), mask=True)
    assert isinstance(decoded, Pixels)
    assert set(decoded.data) == {value}


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


_KILLED = """
import asyncio, os, signal, sys
from friendli_server.intake.decode import Decoder
asyncio.run(Decoder(2).decode(sys.stdin.buffer.read()))
print("decoded", flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_decodes_leaves_with_a_server_that_is_killed() -> None:
    command = [sys.executable, "-c", _KILLED]
    # it ends when nobody holds its output any longer
    ended = subprocess.run(command, input=file(), capture_output=True, timeout=120, check=False)
    assert (ended.returncode, ended.stdout) == (-signal.SIGKILL, b"decoded\n")


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
