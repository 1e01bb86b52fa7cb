"""Painting into masks behind an endpoint: what comes arrives, what cannot be is named."""

from __future__ import annotations

import base64
from io import BytesIO
from typing import Any

import httpx2
import pytest
from friendli_engine.request import Pixels
from msgspec.structs import replace
from PIL import Image
from server.fakes import INFO

from .conftest import BODY
from .test_container import Served, served

__all__ = ["served"]
pytestmark = pytest.mark.requirement("gateway.mask")


def picture(colour: str = "red", size: tuple[int, int] = (8, 8)) -> dict[str, str]:
    out = BytesIO()
    Image.new("RGB", size, colour).save(out, "png")
    return {"image": base64.b64encode(out.getvalue()).decode()}


async def edit(served: Served, **given: Any) -> httpx2.Response:
    body = {**BODY, "model": served.endpoint, "response_format": "png", **given}
    return await served.world.client.post(
        "/dedicated/v1/images/edits", json=body, headers=served.tenant.headers
    )


async def test_the_engine_gets_the_picture_and_the_mask(served: Served) -> None:
    served.engine.info = replace(INFO, inpaints=True)
    answer = await edit(served, image=picture(), mask=picture("white"))
    assert answer.status_code == 200, answer.text
    [asked] = served.engine.asked
    assert asked.images == (Pixels(8, 8, b"\xff\0\0" * 64),)
    assert asked.mask == Pixels(8, 8, b"\xff" * 192)


@pytest.mark.parametrize(
    ("paints", "given", "param"),
    [
        (False, {"image": picture(), "mask": picture()}, "mask"),
        (True, {"image": picture(), "mask": picture(size=(8, 9))}, "mask"),
        (True, {"image": picture(), "mask": {"image": "bm8="}}, "mask"),
        (True, {"image": picture(), "mask": [picture()]}, "mask"),
        (True, {"image": [picture(), picture()], "mask": picture()}, "image"),
    ],
    ids=["for nobody", "size", "no picture", "list", "of two"],
)
async def test_a_mask_that_cannot_be_is_refused_by_name(
    served: Served, paints: bool, given: dict[str, Any], param: str
) -> None:
    served.engine.info = replace(INFO, edits=True, inpaints=paints)
    answer = await edit(served, **given)
    assert (answer.status_code, answer.json()["error"]["param"]) == (422, param)
    assert served.engine.asked == []
