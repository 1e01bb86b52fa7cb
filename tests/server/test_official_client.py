"""The unmodified official client, as a process of its own, against a container on loopback."""

from __future__ import annotations

import asyncio
import base64
import io
from pathlib import Path

import pytest
from official import official_python, run_official
from PIL import Image
from server.fakes import FakeEngine

__all__ = ["official_python"]

EXAMPLE = """
import os, sys
from friendli import SyncFriendli
with SyncFriendli(token=os.getenv("FRIENDLI_TOKEN", "none")) as friendli:
    res = friendli.container.image.generate(
        guidance_scale=3.5,
        num_inference_steps=10,
        prompt="An orange Lamborghini driving down a hill road at night with a beautiful "
        "ocean view in the background.",
        model="(adapter-route)",
        response_format="jpeg",
        server_url=sys.argv[1],
    )
print(res.image.decode())
"""


@pytest.mark.requirement("S1.official", "S1.example")
async def test_the_official_clients_example_gets_a_jpeg(
    address: str, engine: FakeEngine, official_python: Path
) -> None:
    printed = await asyncio.to_thread(run_official, official_python, EXAMPLE, address)
    assert Image.open(io.BytesIO(base64.b64decode(printed))).format == "JPEG"
    [asked] = engine.asked
    assert (asked.steps, asked.guidance, asked.adapter) == (10, 3.5, None)
