"""Tokens, addresses, teams and headers: where they come from and who wins."""

from __future__ import annotations

from typing import Any

import pytest
from friendli import SyncFriendli, models, operations
from friendli.calls import prepare
from friendli.configuration import SDKConfiguration
from sdk.conftest import QUICK, Run, run_sync
from sdk.stub import Reply, Stub

PICTURES = Reply({"data": []})


def generate(f: Any, **given: Any) -> Any:
    return f.container.image.generate(prompt="p", **given)


def generate_dedicated(f: Any, **given: Any) -> Any:
    return f.dedicated.image.generate(model="m", prompt="p", **given)


@pytest.mark.requirement("S1.token")
@pytest.mark.parametrize(
    ("token", "variable", "sent"),
    [
        ("flp_a", None, "Bearer flp_a"),
        ("Bearer flp_a", None, "Bearer flp_a"),
        (lambda: "flp_b", None, "Bearer flp_b"),
        (None, "flp_env", "Bearer flp_env"),
        ("flp_a", "flp_env", "Bearer flp_a"),
        ("", "flp_env", "Bearer flp_env"),
        (lambda: None, "flp_env", "Bearer flp_env"),
        ("", None, None),
        ("  ", None, None),
        (None, None, None),
        (None, "", None),
    ],
)
def test_token_comes_from_argument_callable_or_environment(
    run: Run,
    stub: Stub,
    monkeypatch: pytest.MonkeyPatch,
    token: Any,
    variable: str | None,
    sent: str | None,
) -> None:
    if variable is not None:
        monkeypatch.setenv("FRIENDLI_TOKEN", variable)
    run(generate, token=token)
    assert stub.requests[0].headers.get("authorization") == sent


def test_a_callable_token_is_asked_for_each_call(stub: Stub) -> None:
    tokens = iter(["one", "two"])

    def twice(f: SyncFriendli) -> None:
        generate(f)
        generate(f)

    run_sync(twice, token=lambda: next(tokens), server_url=stub.url)
    assert [r.headers["authorization"] for r in stub.requests] == ["Bearer one", "Bearer two"]


@pytest.mark.requirement("S1.server_url")
@pytest.mark.parametrize("use", [generate, generate_dedicated])
def test_server_url_of_the_call_wins_over_client_and_environment(
    run: Run, stub: Stub, monkeypatch: pytest.MonkeyPatch, use: Any
) -> None:
    nowhere = "http://127.0.0.1:9"
    stub.replies = [Reply({"image": "aGk=", "data": []})]
    monkeypatch.setenv("FRIENDLI_BASE_URL", nowhere)
    run(use)
    run(lambda f: use(f, server_url=f"{stub.url}/prefix/"), server_url=nowhere)
    monkeypatch.setenv("FRIENDLI_BASE_URL", stub.url)
    run(use, server_url=None)
    paths = [request.path for request in stub.requests]
    assert paths == [paths[0], f"/prefix{paths[0]}", paths[0]]


def test_default_addresses_are_the_documented_ones() -> None:
    assert operations.CONTAINER == "http://localhost:8000"
    assert models.CONTAINER_IMAGES_GENERATE_OP_SERVERS == ["http://localhost:8000"]
    assert operations.DEDICATED == "https://api.friendli.ai"


def test_url_params_fill_the_address(run: Run, stub: Stub) -> None:
    run(generate, server_url=stub.url + "/{tenant}", url_params={"tenant": "acme"})
    assert stub.requests[0].path == "/acme/v1/images/generations"


@pytest.mark.parametrize(
    ("client", "call", "sent"),
    [
        ("a", {}, "a"),
        ("a", {"x_friendli_team": "b"}, "b"),
        ("a", {"x_friendli_team": None}, None),
        ("a", {"x_friendli_team": ""}, None),
        (None, {"x_friendli_team": "b"}, "b"),
        (None, {}, None),
    ],
)
def test_team_of_the_call_wins_over_the_clients(
    run: Run, stub: Stub, client: str | None, call: dict[str, Any], sent: str | None
) -> None:
    stub.replies = [PICTURES]
    run(lambda f: generate_dedicated(f, **call), x_friendli_team=client)
    assert stub.requests[0].headers.get("x-friendli-team") == sent


def test_team_is_sent_for_endpoint_operations_too(run: Run, stub: Stub) -> None:
    stub.replies = [Reply({"data": {}})]
    run(lambda f: f.dedicated.endpoint.list(), x_friendli_team="a")
    assert stub.requests[0].headers["x-friendli-team"] == "a"


def test_http_headers_replace_ours_whatever_their_case(run: Run, stub: Stub) -> None:
    headers = {"AUTHORIZATION": "Custom x", "User-Agent": "mine", "X-Extra": "1"}
    run(lambda f: generate(f, http_headers=headers), token="t", http_headers={"x-extra": "0"})
    got = stub.requests[0].headers
    assert (got["authorization"], got["user-agent"], got["x-extra"]) == ("Custom x", "mine", "1")


def test_endpoint_ids_cannot_change_the_path(run: Run, stub: Stub) -> None:
    stub.replies = [Reply(None)]
    run(lambda f: f.dedicated.endpoint.delete(endpoint_id="../a/b?c"))
    assert stub.requests[0].path == "/dedicated/beta/endpoint/..%2Fa%2Fb%3Fc"


def test_nothing_is_logged_and_no_token_shows(stub: Stub, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        friendli = SyncFriendli(token="flp_secret", server_url=stub.url, retry_config=QUICK)
        generate(friendli)
    assert [r for r in caplog.records if r.name in {"root", "friendli"}] == []
    assert "flp_secret" not in caplog.text + repr(friendli.sdk_configuration)
    friendli.__exit__(None, None, None)


def test_no_token_shows_in_the_objects_of_a_traceback() -> None:
    configuration = SDKConfiguration(token="flp_secret", http_headers={"authorization": "flp_s"})
    call = prepare(
        configuration, operations.CONTAINER_GENERATE, content=b"{}", options={}, own_timeout=True
    )
    assert call.headers["authorization"] == "flp_s"
    assert "flp_" not in repr(call) + repr(call.context) + repr(configuration)


def test_debug_logger_hears_of_tries_but_not_of_tokens_or_prompts(run: Run, stub: Stub) -> None:
    lines: list[str] = []

    class Logger:
        def debug(self, message: str, *parts: object) -> None:
            lines.append(message % parts)

    stub.replies = [Reply({}, status=503), Reply()]
    run(lambda f: f.container.image.generate(prompt="secret"), token="flp_s", debug_logger=Logger())
    told = "\n".join(lines)
    assert "503" in told
    assert "retrying" in told
    assert "POST" in told
    assert "secret" not in told
    assert "flp_s" not in told


def test_a_closed_client_says_so(stub: Stub) -> None:
    with SyncFriendli(server_url=stub.url) as friendli:
        generate(friendli)
    with pytest.raises(RuntimeError, match="closed"):
        generate(friendli)


def test_closing_lets_go_of_the_connections(stub: Stub) -> None:
    friendli = SyncFriendli(server_url=stub.url)
    generate(friendli)
    transport = friendli._opened._transport  # type: ignore[union-attr]
    friendli.close()
    assert transport._client.is_closed
