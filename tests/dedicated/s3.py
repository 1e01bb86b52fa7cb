"""An S3-compatible store on loopback: moto's server, in an environment and a process of its own."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence

import httpx2
import pytest
from aside import python_with
from friendli_server.dedicated.replicas.ports import free_port

VERSION = "5.2.5"
BUCKET = "pictures"


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """The URL of a store with an empty bucket."""
    python = python_with(f"moto/{VERSION}", f"moto[s3]=={VERSION}", "flask", "flask-cors")
    port = free_port("127.0.0.1")
    url = f"http://127.0.0.1:{port}"
    command = [str(python), "-m", "moto.server", "-p", str(port)]
    with serving(command, f"{url}/{BUCKET}"):
        yield url


@contextlib.contextmanager
def serving(
    command: Sequence[str], bucket: str, headers: Mapping[str, str] | None = None
) -> Iterator[None]:
    """A store's process inside the block, once it has made the bucket at this URL."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            _make(bucket, headers)
            yield
        finally:
            server.kill()


def _make(bucket: str, headers: Mapping[str, str] | None) -> None:
    give_up = time.monotonic() + 60
    while True:
        with contextlib.suppress(httpx2.TransportError):
            httpx2.put(bucket, headers=headers).raise_for_status()
            return
        assert time.monotonic() < give_up, "the store did not start"
        time.sleep(0.1)
