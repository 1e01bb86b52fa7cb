"""Our requests are the official client's, call by call."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from sdk.recorder import TABLE, Table, record

OFFICIAL: Table = json.loads(TABLE.read_text())
OURS_ONLY = {"idempotency-key"}


@pytest.fixture(scope="module")
def ours() -> Table:
    return record(sys.executable)


def compared(request: dict[str, Any], *, ordered: bool) -> dict[str, Any]:
    """A request as far as a server can tell: numbers by value, the client's own name left out."""
    hook = list if ordered else dict
    body = json.loads(request["body"] or "null", object_pairs_hook=hook)
    headers = {k: v for k, v in request["headers"].items() if k not in {"user-agent", *OURS_ONLY}}
    return {**request, "body": body, "headers": headers}


def test_the_table_is_large_enough() -> None:
    assert len(OFFICIAL) >= 60


@pytest.mark.requirement("S1.prompt", "S1.num_inference_steps", "S1.guidance_scale")
@pytest.mark.parametrize("name", OFFICIAL)
def test_requests_equal_the_official_clients(ours: Table, name: str) -> None:
    ordered = not name.startswith("endpoint create")
    expected = [compared(request, ordered=ordered) for request in OFFICIAL[name]["requests"]]
    assert [compared(request, ordered=ordered) for request in ours[name]["requests"]] == expected


@pytest.mark.parametrize("name", OFFICIAL)
def test_the_same_script_comes_to_the_same_outcome(ours: Table, name: str) -> None:
    assert ours[name]["outcome"] == OFFICIAL[name]["outcome"]


def test_every_post_has_its_own_idempotency_key(ours: Table) -> None:
    keys = [
        request["headers"].get("idempotency-key")
        for call in ours.values()
        for request in call["requests"]
        if request["method"] == "POST"
    ]
    assert None not in keys
    assert len(set(keys)) == len(keys)


def test_the_table_is_what_the_official_client_sends_today(official_python: Path) -> None:
    assert record(str(official_python)) == OFFICIAL
