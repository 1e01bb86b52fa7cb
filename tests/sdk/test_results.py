"""What can be done with the pictures that come back."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import httpx2
import pytest
from friendli import models
from friendli.results import ContainerImageGenerateSuccess
from PIL import Image
from sdk.conftest import Run
from sdk.stub import Reply, Stub

PIXELS = bytes(range(12))
RAW = {"width": 2, "height": 2, "seed": 7, "format": "raw"}


def encoded(kind: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (4, 3), "red").save(file, kind)
    return file.getvalue()


def result(content: bytes, **extras: Any) -> ContainerImageGenerateSuccess:
    return ContainerImageGenerateSuccess(image=base64.b64encode(content), **extras)


@pytest.mark.requirement("S1.result")
def test_result_keeps_base64_and_offers_the_bytes(run: Run, stub: Stub) -> None:
    jpeg = encoded("jpeg")
    b64 = base64.b64encode(jpeg)
    extras = {"width": 4, "height": 3, "seed": 2**63}
    stub.replies = [Reply({"image": b64.decode(), **extras, "created": 1})]
    res = run(lambda f: f.container.image.generate(prompt="p"))
    assert isinstance(res, models.ContainerImageGenerateSuccess)
    assert res.image == b64
    assert res.content == jpeg
    assert (res.width, res.height, res.seed) == (4, 3, 2**63)
    assert res.to_pil().size == (4, 3)


def test_saving_writes_the_bytes_and_returns_the_path(tmp_path: Path) -> None:
    jpeg = encoded("jpeg")
    for name in ("a.jpg", "a.JPEG", "a.bin", "a"):
        path = result(jpeg).save(tmp_path / name)
        assert path == tmp_path / name
        assert path.read_bytes() == jpeg


def test_saving_converts_when_the_suffix_says_so(tmp_path: Path) -> None:
    path = result(encoded("jpeg")).save(str(tmp_path / "a.png"))
    assert path.read_bytes().startswith(b"\x89PNG")
    path = result(PIXELS, **RAW).save(tmp_path / "b.png")
    with Image.open(path) as saved:
        assert saved.tobytes() == PIXELS


def test_raw_pixels_become_a_picture() -> None:
    assert result(PIXELS, **RAW).to_pil().tobytes() == PIXELS


def test_raw_pixels_without_a_size_say_so() -> None:
    with pytest.raises(ValueError, match="width and height"):
        result(PIXELS).to_pil()


@pytest.mark.parametrize(
    ("content", "extras", "png", "jpeg"),
    [
        (encoded("png"), {}, True, False),
        (encoded("jpeg"), {}, False, True),
        (PIXELS, RAW, True, False),
        (PIXELS, {}, False, False),
    ],
)
def test_notebooks_show_the_picture(
    content: bytes, extras: dict[str, Any], png: bool, jpeg: bool
) -> None:
    res = result(content, **extras)
    assert (res._repr_png_() is not None, res._repr_jpeg_() is not None) == (png, jpeg)


def test_printing_a_result_stays_short() -> None:
    shown = repr(result(b"x" * 10_000, seed=3))
    assert len(shown) < 150
    assert "seed=3" in shown
    assert "13336 bytes" in shown


def test_base64_item_is_a_picture(run: Run, stub: Stub) -> None:
    png = encoded("png")
    item = {"seed": 1, "response_format": "png", "b64_json": base64.b64encode(png).decode()}
    stub.replies = [Reply({"data": [item]})]
    res = run(lambda f: f.dedicated.image.generate(model="m", prompt="p"))
    [found] = res.data
    assert isinstance(found, models.B64ImageItem)
    assert found.content == png
    assert (found.seed, found.response_format) == (1, "png")


def url_item(stub: Stub) -> models.URLImageItem:
    return models.URLImageItem(seed=1, response_format="url", url=f"{stub.url}/p.jpg")


def test_url_item_downloads_once_and_without_a_token(
    stub: Stub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FRIENDLI_TOKEN", "flp_secret")
    stub.replies = [Reply(encoded("jpeg"), headers={"content-type": "image/jpeg"})]
    item = url_item(stub)
    assert item._repr_html_() == f'<img src="{stub.url}/p.jpg">'
    assert (item._repr_png_(), item._repr_jpeg_()) == (None, None)
    assert stub.requests == []
    assert item.content == item.save(tmp_path / "a.jpg").read_bytes()
    assert (item._repr_html_(), item._repr_jpeg_()) == (None, item.content)
    assert len(stub.requests) == 1
    assert "authorization" not in stub.requests[0].headers


def test_a_url_cannot_leave_its_place_in_a_notebook() -> None:
    item = models.URLImageItem(seed=1, response_format="url", url='x"><script>')
    assert item._repr_html_() == '<img src="x&quot;&gt;&lt;script&gt;">'


async def test_url_item_downloads_without_blocking(stub: Stub) -> None:
    stub.replies = [Reply(b"x", headers={"content-type": "image/jpeg"})]
    assert await url_item(stub).download_async() == b"x"


def test_an_expired_url_is_an_http_error(stub: Stub) -> None:
    stub.replies = [Reply({}, status=403)]
    with pytest.raises(httpx2.HTTPStatusError):
        url_item(stub).download()


@pytest.mark.parametrize("kind", ["url", "b64_json"])
def test_a_list_of_either_kind_parses(kind: str) -> None:
    item = {"seed": 2**64 - 1, "response_format": "jpg", kind: "aGk="}
    data = models.DedicatedImageGenerateSuccess.model_validate({"data": [item, item]}).data
    assert [getattr(found, kind) in ("aGk=", b"aGk=") for found in data] == [True, True]


def test_an_empty_list_parses() -> None:
    assert models.DedicatedImageGenerateSuccess.model_validate({"data": []}).data == []
