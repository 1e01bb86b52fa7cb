"""`./x demo` as a newcomer runs it: a server, the SDK, pictures on disk, and no network."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]

NO_NETWORK = """
import sys

HERE = (None, "127.0.0.1", "::1", "localhost")

def refuse(event, arguments):
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        if arguments[1][0] not in HERE:
            raise OSError(f"the network is off: {arguments[1]}")
    if event == "socket.getaddrinfo" and arguments[0] not in HERE:
        raise OSError(f"the network is off: {arguments[0]}")

sys.addaudithook(refuse)
"""


@pytest.mark.requirement("demo.offline", "S1.example")
def test_the_demo_makes_its_pictures_without_a_network_and_ends(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(NO_NETWORK)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "NO_COLOR": "1", "COLUMNS": "100"}
    result = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "demo.py")],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "10/10" in result.stdout
    assert "./x serve" in result.stdout
    with Image.open(tmp_path / "demo" / "lamborghini.jpg") as picture:
        assert (picture.format, picture.size) == ("JPEG", (256, 256))
        assert np.ptp(np.asarray(picture), axis=(0, 1)).min() > 60
    with Image.open(tmp_path / "demo" / "contact-sheet.jpg") as sheet:
        assert sheet.width == sheet.height > 3 * 256
