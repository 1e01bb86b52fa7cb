"""A whole program written for the official client does the same with ours."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from official import run_official
from sdk.recorder import smallest, written
from sdk.stub import Reply, Request, serving

SCRIPT = Path(__file__).with_name("user_script.py")
OURS_ONLY = {"idempotency-key", "user-agent"}


@contextmanager
def server(requests: list[dict[str, Any]]) -> Iterator[str]:
    """Answers by the first part of the path, and writes down what it was sent."""
    flaky = iter([503, 503])

    def answer(request: Request) -> Reply:
        kind, _, path = request.path[1:].partition("/")
        sent = written(request)
        headers = {k: v for k, v in sent["headers"].items() if k not in OURS_ONLY}
        body = json.loads(sent["body"] or "null")
        requests.append({**sent, "headers": headers, "body": body})
        match kind:
            case "refused":
                return Reply({"detail": "no"}, status=404)
            case "shape":
                return Reply({"x": 1})
            case "slow":
                return Reply(b"", headers={"content-length": "9"}, stay=True)
            case "flaky" if (status := next(flaky, None)) is not None:
                return Reply({}, status=status)
        return Reply(smallest(request.method, "/" + path))

    with serving(answer, Event()) as url:
        yield url


def run(python: Path) -> tuple[Any, list[dict[str, Any]]]:
    requests: list[dict[str, Any]] = []
    with server(requests) as url:
        said = json.loads(run_official(python, SCRIPT, url))
    return said, sorted(requests, key=json.dumps)


@pytest.mark.requirement("S1.clients", "S1.retries", "S1.errors")
def test_the_same_program_says_the_same_and_sends_the_same(official_python: Path) -> None:
    official, sent = run(official_python)
    ours, sent_by_us = run(Path(sys.executable))
    assert len(official) == 9
    assert ours == official
    assert sent_by_us == sent
