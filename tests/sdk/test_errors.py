"""What failures look like to the user."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import httpx2
import pytest
from friendli import models
from friendli.errors import transport_error
from official import run_official
from sdk.conftest import Run
from sdk.stub import Reply, Request, Stub, serving

ENVELOPE = {
    "message": "num_inference_steps must be within 1 and 50",
    "error": {
        "message": "num_inference_steps must be within 1 and 50",
        "type": "invalid_request_error",
        "param": "num_inference_steps",
        "code": None,
    },
    "detail": [
        {"loc": ["body", "num_inference_steps"], "msg": "must be within 1 and 50", "type": "range"}
    ],
    "request_id": "req-1",
}
REPLIES = {
    "422": Reply(ENVELOPE, status=422),
    "500-text": Reply(b"oops", status=500, headers={"content-type": "text/plain; charset=utf-8"}),
    "404-empty": Reply(b"", status=404),
    "200-html": Reply(b"<html>", headers={"content-type": "text/html"}),
    "200-broken": Reply(b"{"),
    "200-shape": Reply({"x": 1}),
    "400-long": Reply({"message": "x" * 20_000}, status=400),
}


def generate(f: Any) -> Any:
    return f.container.image.generate(prompt="p")


def failing(run: Run, stub: Stub, reply: Reply) -> models.FriendliCoreError:
    stub.replies = [reply]
    with pytest.raises(models.FriendliCoreError) as caught:
        run(generate, retry_config=None)
    return caught.value


@pytest.mark.requirement("S1.errors")
def test_a_refusal_tells_status_body_headers_and_the_field_at_fault(run: Run, stub: Stub) -> None:
    error = failing(run, stub, REPLIES["422"])
    assert isinstance(error, models.SDKError)
    assert error.status_code == error.raw_response.status_code == 422
    assert error.headers["content-type"] == "application/json"
    assert json.loads(error.body) == ENVELOPE
    assert error.detail == ENVELOPE["detail"]
    assert error.error == ENVELOPE["error"]
    assert error.request_id == "req-1"
    assert "body.num_inference_steps: must be within 1 and 50" in str(error)
    assert "req-1" in str(error)


def test_request_id_may_come_from_the_header(run: Run, stub: Stub) -> None:
    error = failing(run, stub, Reply({}, status=400, headers={"x-request-id": "req-2"}))
    assert error.request_id == "req-2"


@pytest.mark.parametrize("body", [b"", b"oops", b"[]", b"null", b'{"detail":"gone","error":"x"}'])
def test_unexpected_error_bodies_do_no_harm(run: Run, stub: Stub, body: bytes) -> None:
    error = failing(run, stub, Reply(body, status=500))
    assert error.status_code == 500
    assert error.error == {}
    assert len(error.detail) == (1 if b"gone" in body else 0)


def test_an_answer_of_another_shape_names_the_missing_field(run: Run, stub: Stub) -> None:
    error = failing(run, stub, REPLIES["200-shape"])
    assert isinstance(error, models.ResponseValidationError)
    assert error.cause is not None
    assert "image" in str(error)


def test_an_answer_that_is_not_json_is_an_sdk_error(run: Run, stub: Stub) -> None:
    error = failing(run, stub, REPLIES["200-html"])
    assert isinstance(error, models.SDKError)
    assert "Unexpected response" in str(error)


def test_errors_look_as_the_official_clients(official_python: Path) -> None:
    def answer(request: Request) -> Reply:
        return REPLIES[request.path.split("/")[1]]

    script = Path(__file__).with_name("error_calls.py")
    with serving(answer, Event()) as url:
        official, ours = (
            json.loads(run_official(Path(python), script, url))
            for python in (official_python, sys.executable)
        )
    assert ours.keys() == official.keys() == REPLIES.keys()
    for path, expected in official.items():
        shown, wanted = ours[path].pop("message"), expected.pop("message")
        assert ours[path] == expected
        if expected["class"] == "SDKError":
            assert shown.startswith(wanted)


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_transport_errors_are_ours_and_the_librarys(library: Any) -> None:
    cause = library.ConnectTimeout("slow")
    error = transport_error(cause, url="http://x", tries=3)
    ours = [models.TransportError, models.NoResponseError]
    theirs = [library.ConnectTimeout, httpx.TimeoutException, httpx2.TransportError]
    assert [kind for kind in ours + theirs if not isinstance(error, kind)] == []
    assert error.__cause__ is cause
    assert "3 tries at http://x" in str(error)


def test_nothing_listening_says_what_to_do(run: Run) -> None:
    with pytest.raises(httpx.ConnectError, match="friendli serve") as caught:
        run(generate, server_url="http://127.0.0.1:9", retry_config=None)
    assert isinstance(caught.value, models.TransportError)
    assert "http://127.0.0.1:9/v1/images/generations" in str(caught.value)


def test_a_refused_delete_has_its_documented_error(run: Run, stub: Stub) -> None:
    stub.replies = [Reply({"detail": ENVELOPE["detail"]}, status=422)]
    with pytest.raises(models.HTTPValidationError) as caught:
        run(lambda f: f.dedicated.endpoint.delete(endpoint_id="e"))
    assert caught.value.data.detail[0].msg == "must be within 1 and 50"
    stub.replies = [Reply(b"oops", status=422)]
    with pytest.raises(models.SDKError):
        run(lambda f: f.dedicated.endpoint.delete(endpoint_id="e"))


def test_a_documented_422_keeps_its_data() -> None:
    data = models.HTTPValidationErrorData.model_validate({"detail": ENVELOPE["detail"]})
    error = models.HTTPValidationError(data, httpx2.Response(422, text="x"))
    assert error.data.detail[0].loc == ["body", "num_inference_steps"]
    assert error.status_code == 422
