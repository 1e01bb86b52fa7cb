"""Pictures and weights in Azure's object store, as its emulator Azurite has it, over HTTP; slow."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterator
from email.utils import formatdate
from hashlib import sha256

import httpx2
import pytest
from friendli_server.dedicated.replicas.ports import free_port
from friendli_server.weights.store import Store
from npm import installed

from .conftest import WorldMaker
from .s3 import serving

ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""The emulator's own, the same everywhere."""

pytestmark = [pytest.mark.slow, pytest.mark.requirement("gateway.s3")]


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of an account with an empty container `pictures`, which the environment names."""
    home, port = installed({"azurite": "3.35.0"}), free_port("127.0.0.1")
    program = [str(home / "node_modules/.bin/azurite-blob"), "--silent", "--inMemoryPersistence"]
    url = f"http://127.0.0.1:{port}/{ACCOUNT}"
    for name, value in {
        "AZURE_STORAGE_ACCOUNT_NAME": ACCOUNT,
        "AZURE_STORAGE_ACCOUNT_KEY": KEY,
        "AZURE_STORAGE_ENDPOINT": url,
        "AZURE_ALLOW_HTTP": "true",
    }.items():
        monkeypatch.setenv(name, value)
    words = [*program, "--skipApiVersionCheck", "--blobPort", str(port)]
    with serving(words, f"{url}/pictures?restype=container", signed()):
        yield url


def signed() -> dict[str, str]:
    """Headers to make the container with, as the store's documents say under "Shared Key"."""
    headers = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": "2021-08-06"}
    named = "\n".join(f"{name}:{value}" for name, value in headers.items())
    told = "PUT" + "\n" * 12 + f"{named}\n/{ACCOUNT}/{ACCOUNT}/pictures\nrestype:container"
    digest = hmac.digest(base64.b64decode(KEY), told.encode(), sha256)
    proof = base64.b64encode(digest).decode()
    return headers | {"authorization": f"SharedKey {ACCOUNT}:{proof}", "content-length": "0"}


async def test_pictures_are_kept_signed_and_deleted(make_world: WorldMaker, azure: str) -> None:
    world = await make_world(results="az://pictures/some/prefix")
    tenant = await world.tenant()
    answer = await world.generate(tenant, await world.endpoint(tenant))
    assert answer.status_code == 200, answer.text
    [link] = [item["url"] for item in answer.json()["data"]]
    assert link.startswith(f"{azure}/pictures/some/prefix/{tenant.id}/")
    async with httpx2.AsyncClient() as anyone:
        shown = await anyone.get(link)
        assert (shown.status_code, shown.headers["content-type"]) == (200, "image/jpeg")
        assert shown.content.startswith(b"\xff\xd8\xff")
        store = Store(f"az://pictures/some/prefix/{tenant.id}")
        [found] = await store.here()
        assert await store.read(found.path, most=1 << 20) == shown.content
        await world.gateway.results.delete_team(tenant.id)
        assert (await anyone.get(link)).status_code == 404
