"""An S3-compatible store on loopback: moto's server, in an environment and a process of its own."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator

import httpx2
import pytest
from aside import python_with

VERSION = "5.2.5"
BUCKET = "pictures"


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """The URL of a store with an empty bucket."""
    python = python_with(f"moto/{VERSION}", f"moto[s3]=={VERSION}", "flask", "flask-cors")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(python), "-m", "moto.server", "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        url = f"http://127.0.0.1:{port}"
        try:
            _make_bucket(url)
            yield url
        finally:
            server.kill()


def _make_bucket(url: str) -> None:
    give_up = time.monotonic() + 60
    while True:
        with contextlib.suppress(httpx2.TransportError):
            httpx2.put(f"{url}/{BUCKET}").raise_for_status()
            return
        assert time.monotonic() < give_up, "the store did not start"
        time.sleep(0.1)
