"""The pages of both servers say what is true: routes, error codes, ports and deploy files."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest
import yaml
from friendli_server.errors import COMMON, GATEWAY
from friendli_server.settings import ContainerSettings

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "container.md").read_text(encoding="utf-8")
GATEWAY_PAGE = (ROOT / "docs" / "dedicated.md").read_text(encoding="utf-8")
NOT_HERE = {"conflict"}
"""Common codes that no container answers with."""


@pytest.mark.parametrize("code", sorted(COMMON.keys() - NOT_HERE))
def test_every_error_code_is_documented(code: str) -> None:
    assert f"`{code}`" in PAGE


@pytest.mark.parametrize("code", sorted(GATEWAY))
def test_every_error_code_of_the_gateway_is_documented(code: str) -> None:
    assert f"`{code}`" in GATEWAY_PAGE


async def test_every_route_is_documented(client: httpx2.AsyncClient) -> None:
    paths = (await client.get("/openapi.json")).json()["paths"]
    for path in paths:
        assert path.replace("{name}", "NAME") in PAGE


def test_the_image_listens_and_is_checked_where_it_says() -> None:
    dockerfile = (ROOT / "deploy" / "container.Dockerfile").read_text(encoding="utf-8")
    defaults = ContainerSettings()
    assert f"EXPOSE {defaults.port} {defaults.metrics_port}" in dockerfile
    assert "/health/live" in dockerfile
    assert "USER 10001" in dockerfile
    assert "MALLOC_ARENA_MAX=2" in dockerfile


def test_compose_gives_more_time_to_stop_than_draining_takes() -> None:
    compose = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8"))
    service = compose["services"]["container"]
    assert int(service["stop_grace_period"].removesuffix("s")) > ContainerSettings().drain_seconds
    names = {f"FRIENDLI_{name.upper()}" for name in ContainerSettings.model_fields}
    assert set(service["environment"]) <= names
