"""Two real containers of one machine on one bucket: weights come once, adapters reach both."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import friendli_postcard
import httpx2
import obstore
import pytest
from dedicated.s3 import BUCKET, s3
from obstore.store import S3Store
from server.bucket import ENVIRONMENT, sha256sums
from server.running import Container, running

__all__ = ["s3"]

pytestmark = pytest.mark.slow
MODEL = friendli_postcard.path()
SKETCH, FLAT = (MODEL / f"adapters/{name}.safetensors" for name in ("sketch", "flat"))
PATIENCE = 600.0


@pytest.fixture(scope="module")
def store(s3: str) -> S3Store:
    """A bucket that holds Postcard without its adapters, and the list of its files."""
    store = S3Store(
        BUCKET,
        endpoint=s3,
        region="us-east-1",
        access_key_id="key",
        secret_access_key="secret",
        client_options={"allow_http": True},
    )
    files = {
        str(path.relative_to(MODEL)): path.read_bytes()
        for path in MODEL.rglob("*")
        if path.is_file() and path.parent.name != "adapters"
    }
    for name, content in {**files, "SHA256SUMS": sha256sums(files)}.items():
        obstore.put(store, f"tiny/postcard/{name}", content)
    return store


@pytest.fixture
def pair(s3: str, store: S3Store, tmp_path: Path) -> Iterator[list[Container]]:
    """Two that started at the same moment, with one cache."""
    environment = {**ENVIRONMENT, "AWS_ENDPOINT": s3, "XDG_CACHE_HOME": str(tmp_path)}
    arguments = [f"s3://{BUCKET}/tiny/postcard", "--adapter-dir", f"s3://{BUCKET}/loras"]
    arguments += ["--adapter-seconds", "0.5"]
    with ExitStack() as stack, ThreadPoolExecutor() as pool:

        def start(_: int) -> Container:
            return stack.enter_context(running(*arguments, environment=environment))

        yield list(pool.map(start, range(2)))


def routes(container: Container) -> set[str]:
    """The adapters that requests may name."""
    cards = httpx2.get(f"{container.url}/v1/models", timeout=PATIENCE).json()["data"]
    return {card["id"] for card in cards if card["parent"]}


def until(condition: Callable[[], object]) -> None:
    """Wait until `condition()` holds."""
    give_up = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.05)


@pytest.mark.requirement("weights.store", "adapters.hot")
def test_weights_come_once_and_an_adapter_put_once_is_served_by_every_replica(
    pair: list[Container], store: S3Store
) -> None:
    fetched = [container.log().count("Fetched s3://") for container in pair]
    assert sorted(fetched) == [0, 1]
    with running(MODEL) as reference:
        expected = {name: reference.raw(model=name) for name in ("sketch", "flat")}
        base = reference.raw()
    assert [container.raw() for container in pair] == [base, base]

    obstore.put(store, "loras/ink.safetensors", SKETCH.read_bytes())
    until(lambda: all(routes(container) == {"ink"} for container in pair))
    assert [container.raw(model="ink") for container in pair] == [expected["sketch"]] * 2

    obstore.put(store, "loras/ink.safetensors", FLAT.read_bytes())
    until(lambda: {container.raw(model="ink") for container in pair} == {expected["flat"]})

    obstore.put(store, "loras/half.safetensors", SKETCH.read_bytes()[: 1 << 16])
    obstore.put(store, "loras/ink.safetensors", SKETCH.read_bytes()[: 1 << 16])
    until(lambda: all(container.log().count("is left out") == 2 for container in pair))
    assert [container.raw(model="ink") for container in pair] == [expected["flat"]] * 2

    obstore.put(store, "loras/half.safetensors", SKETCH.read_bytes())
    until(lambda: all(routes(container) == {"ink", "half"} for container in pair))
    obstore.delete(store, ["loras/ink.safetensors", "loras/half.safetensors"])
    until(lambda: not any(routes(container) for container in pair))
    assert pair[0].post(model="ink").status_code == 404
