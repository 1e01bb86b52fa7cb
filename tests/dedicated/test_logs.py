"""What the logs must never hold: tokens, prompts, signatures."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from io import StringIO

import pytest
import structlog
from friendli_server import logs

from .conftest import World

PROMPT = "a very private prompt about a heron"


@pytest.fixture
def written() -> Iterator[StringIO]:
    """All that the process logs, down to DEBUG, as the service formats it."""
    out = StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(logs.formatter(structlog.processors.JSONRenderer()))
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield out
    root.removeHandler(handler)
    root.setLevel(level)


async def test_no_token_prompt_or_signature_is_logged_whatever_goes_wrong(
    world: World, written: StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = await world.tenant()
    endpoint = await world.endpoint(tenant)
    url = (await world.generate(tenant, endpoint, prompt=PROMPT)).json()["data"][0]["url"]
    await world.client.get(url)
    await world.generate(tenant, endpoint, prompt=PROMPT, num_inference_steps=99)
    await world.generate(tenant, endpoint + ":nope", prompt=PROMPT)

    async def broken(*_args: object, **_kwargs: object) -> None:
        raise RuntimeError(f"Bearer {tenant.token} {url}")

    monkeypatch.setattr(world.gateway.authenticator, "grant", broken)
    assert (await world.generate(tenant, endpoint, prompt=PROMPT)).status_code == 500
    text = written.getvalue()
    assert "RuntimeError" in text
    for secret in (
        tenant.token,
        tenant.token.removeprefix("flp_"),
        PROMPT,
        url.partition("signature=")[2],
    ):
        assert secret not in text
    assert all(json.loads(line) for line in text.splitlines())
