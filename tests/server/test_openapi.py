"""The description the container serves is the public one, operation and schemas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

SEED = yaml.safe_load(
    (Path(__file__).parent.parent / "wire" / "seed_s4_openapi.yaml").read_text(encoding="utf-8")
)
PATH = "/v1/images/generations"


@pytest.fixture
async def served(client: httpx2.AsyncClient) -> dict[str, Any]:
    document: dict[str, Any] = (await client.get("/openapi.json")).json()
    return document


@pytest.mark.requirement("S4.schema")
async def test_the_operation_equals_the_seeds(served: dict[str, Any]) -> None:
    ours, theirs = served["paths"][PATH]["post"], SEED["paths"][PATH]["post"]
    for key in ("tags", "summary", "description", "operationId"):
        assert ours[key] == theirs[key]
    body = ours["requestBody"]
    assert body["required"] is True
    json = "application/json"
    assert body["content"][json] == theirs["requestBody"]["content"][json]
    assert ours["responses"]["200"]["description"] == theirs["responses"]["200"]["description"]
    ours_200, theirs_200 = (
        ours["responses"]["200"]["content"],
        theirs["responses"]["200"]["content"],
    )
    assert ours_200[json] == theirs_200[json]
    assert ours["responses"]["422"]["description"] == theirs["responses"]["422"]["description"]


@pytest.mark.requirement("S4.schema")
@pytest.mark.parametrize("name", SEED["components"]["schemas"])
async def test_the_schema_equals_the_seeds_in_order_and_content(
    served: dict[str, Any], name: str
) -> None:
    ours, theirs = served["components"]["schemas"][name], SEED["components"]["schemas"][name]
    assert ours == theirs
    assert list(ours.get("properties", ())) == list(theirs.get("properties", ()))


async def test_every_error_answer_is_declared_with_the_one_body(served: dict[str, Any]) -> None:
    responses = served["paths"][PATH]["post"]["responses"]
    errors = {status: answer for status, answer in responses.items() if status != "200"}
    declared = "400 401 403 404 405 408 413 415 421 422 429 500 503 504"
    assert errors.keys() == set(declared.split())
    for answer in errors.values():
        schema = answer["content"]["application/json"]["schema"]
        assert schema == {"$ref": "#/components/schemas/ErrorBody"}
