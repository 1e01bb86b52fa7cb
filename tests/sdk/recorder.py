"""Writes down what a client sends: `python tests/sdk/recorder.py` records the official one.

The table is `wire_table.json`: for each call of `wire_calls.py` its requests and its outcome.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import unquote

from sdk.stub import Reply, Request, serving

CALLS = Path(__file__).with_name("wire_calls.py")
TABLE = Path(__file__).with_name("wire_table.json")
CONNECTION_HEADERS = {"host", "connection", "content-length"}
STATUS = {"status": "RUNNING", "createdAt": "2025-01-01T00:00:00Z"}
SPEC = {
    "name": "n",
    "gpuType": "NVIDIA H100",
    "numGpu": 1,
    "projectId": "p",
    "creatorId": "c",
    "teamId": "t",
    "autoscalingMin": 0,
    "autoscalingMax": 1,
    "autoscalingCooldown": 300,
    "maxBatchSize": 8,
    "tokenizerSkipSpecialTokens": True,
    "tokenizerAddSpecialTokens": True,
}
Table = dict[str, dict[str, Any]]


def record(python: str) -> Table:
    """Run the calls with the client that this interpreter imports."""
    requests: dict[str, list[dict[str, Any]]] = {}

    def answer(request: Request) -> Reply:
        if request.path.startswith("/__call__/"):
            requests[unquote(request.path.removeprefix("/__call__/"))] = []
        else:
            requests[next(reversed(requests))].append(written(request))
        return Reply(smallest(request.method, request.path))

    with serving(answer, Event()) as url:
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("FRIENDLI_", "PYTHON"))}
        done = subprocess.run(
            [python, str(CALLS), url],
            check=False,
            capture_output=True,
            text=True,
            env=clean,
            timeout=60,
        )
    assert done.returncode == 0, done.stderr
    outcomes = json.loads(done.stdout)
    return {name: {"requests": made, "outcome": outcomes[name]} for name, made in requests.items()}


def written(request: Request) -> dict[str, Any]:
    """A request without what the connection adds."""
    kept = {k: v for k, v in request.headers.items() if k not in CONNECTION_HEADERS}
    return {
        "method": request.method,
        "path": request.path,
        "headers": dict(sorted(kept.items())),
        "body": request.body.decode(),
    }


def smallest(method: str, path: str) -> Any:
    """The smallest body that the operation's result accepts."""
    if path.startswith("/dedicated/v1"):
        return {"data": [{"seed": 1, "response_format": "url", "url": "http://localhost/p"}]}
    if path.startswith("/dedicated/beta/endpoint"):
        return endpoint(method, path.partition("?")[0].split("/")[4:])
    return {"image": "aGk="}


def endpoint(method: str, tail: list[str]) -> Any:
    """The same for the endpoint API; `tail` is the path below its root."""
    if method == "DELETE":
        return None
    if tail[1:] == ["version"]:
        return {"data": {"0": SPEC}}
    if method == "GET" and not tail:
        return {"data": {"dep": STATUS}, "nextCursor": "abc"}
    return SPEC if len(tail) == 1 else STATUS


if __name__ == "__main__":
    TABLE.write_text(json.dumps(record(sys.argv[1]), indent=1, ensure_ascii=False) + "\n")
