"""Clients of the user's, redirects and hooks."""

from __future__ import annotations

from typing import Any, ClassVar

import httpx
import httpx2
import pytest
from friendli import AsyncFriendli, SyncFriendli, httpclient, models
from sdk.conftest import QUICK, Run
from sdk.stub import Reply, Stub


def generate(f: Any) -> Any:
    return f.container.image.generate(prompt="p")


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_a_blocking_client_of_the_users_carries_the_calls(stub: Stub, library: Any) -> None:
    with library.Client(headers={"x-mine": "1"}) as mine:
        with SyncFriendli(client=mine, server_url=stub.url) as friendli:
            assert generate(friendli).content == b"hi"
        assert not mine.is_closed
    assert stub.requests[0].headers["x-mine"] == "1"


@pytest.mark.parametrize("library", [httpx, httpx2])
async def test_an_asynchronous_client_of_the_users_does_too(stub: Stub, library: Any) -> None:
    async with library.AsyncClient(headers={"x-mine": "1"}) as mine:
        async with AsyncFriendli(async_client=mine, server_url=stub.url) as friendli:
            assert (await generate(friendli)).content == b"hi"
        assert not mine.is_closed
    assert stub.requests[0].headers["x-mine"] == "1"


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_streams_work_over_a_client_of_the_users(stub: Stub, library: Any) -> None:
    data = b'event: finished\ndata: {"image": "aGk="}\n\n'
    stub.replies = [Reply(data, headers={"content-type": "text/event-stream"})]
    with library.Client() as mine, SyncFriendli(client=mine, server_url=stub.url) as friendli:
        [done] = friendli.container.image.stream(prompt="p")
    assert isinstance(done, models.FinishedEvent)


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_the_timeout_of_a_users_client_is_kept(stub: Stub, library: Any) -> None:
    stub.replies = [Reply(b"", headers={"content-length": "9"}, stay=True)]
    with (
        library.Client(timeout=0.05) as mine,
        SyncFriendli(client=mine, server_url=stub.url, retry_config=None) as friendli,
        pytest.raises(library.TimeoutException) as caught,
    ):
        generate(friendli)
    assert isinstance(caught.value, models.TransportError)


class Recording:
    """The smallest object with the protocol."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.closed = False

    def build_request(self, method: str, url: Any, **options: Any) -> Any:
        return {"method": method, "url": url, **options}

    def send(self, request: Any, *, stream: bool = False) -> Any:
        self.sent.append(request)
        return httpx2.Response(200, json={"image": "aGk="})

    def close(self) -> None:
        self.closed = True


def test_any_object_with_the_protocol_will_do() -> None:
    mine = Recording()
    assert isinstance(mine, httpclient.HttpClient)
    with SyncFriendli(client=mine, token="t") as friendli:
        assert generate(friendli).content == b"hi"
    assert mine.sent[0]["url"] == "http://localhost:8000/v1/images/generations"
    assert mine.sent[0]["headers"]["authorization"] == "Bearer t"
    assert not mine.closed


def test_redirects_within_the_server_are_followed_with_the_token(run: Run, stub: Stub) -> None:
    stub.replies = [Reply({}, status=307, headers={"location": "/elsewhere"}), Reply()]
    assert run(generate, token="flp_s").content == b"hi"
    assert stub.requests[1].path == "/elsewhere"
    assert stub.requests[1].headers["authorization"] == "Bearer flp_s"
    assert stub.requests[1].body == stub.requests[0].body


def test_redirects_to_another_server_are_refused(run: Run, stub: Stub) -> None:
    other = stub.url.replace("127.0.0.1", "localhost")
    stub.replies = [Reply({}, status=307, headers={"location": f"{other}/x"})]
    with pytest.raises(models.SDKError) as caught:
        run(generate, token="flp_s")
    assert caught.value.status_code == 307
    assert len(stub.requests) == 1


def test_a_circle_of_redirects_ends(run: Run, stub: Stub) -> None:
    stub.replies = [Reply({}, status=307, headers={"location": "/again"})]
    with pytest.raises(models.SDKError):
        run(generate)
    assert len(stub.requests) == 21


def hooked(stub: Stub) -> SyncFriendli:
    return SyncFriendli(server_url=stub.url, token="t", retry_config=QUICK)


def test_an_init_hook_chooses_address_and_connections(run: Run, stub: Stub) -> None:
    seen: list[Any] = []

    def use(friendli: Any) -> Any:
        def init(base_url: str, client: Any) -> tuple[str, Any]:
            seen.append((base_url, type(client).__name__))
            return stub.url + "/behind", client

        friendli.hooks.register_sdk_init_hook(init)
        return friendli.container.image.generate(prompt="p")

    assert run(use, server_url="http://nowhere.invalid").content
    [(base_url, kind)] = seen
    assert base_url == "http://nowhere.invalid"
    assert kind in {"Client", "AsyncClient"}
    assert stub.requests[0].path == "/behind/v1/images/generations"


def test_an_init_hook_that_changes_nothing_leaves_the_services_their_addresses(stub: Stub) -> None:
    with SyncFriendli() as friendli:
        friendli.hooks.register_sdk_init_hook(lambda base_url, client: (base_url, client))
        assert friendli.container
        assert friendli.sdk_configuration.server_url is None


def test_before_request_hooks_see_and_change_the_request(stub: Stub) -> None:
    seen: list[Any] = []

    def trace(context: Any, request: Any) -> Any:
        seen.append((context.operation_id, context.base_url))
        request.headers["x-trace"] = "1"
        return request

    with hooked(stub) as friendli:
        friendli.sdk_configuration.__dict__["_hooks"].register_before_request_hook(trace)
        generate(friendli)
    assert seen == [("containerImagesGenerate", stub.url)]
    assert stub.requests[0].headers["x-trace"] == "1"


def test_hooks_may_be_objects_with_the_official_methods(stub: Stub) -> None:
    class Mine:
        calls: ClassVar[list[str]] = []

        def before_request(self, context: Any, request: Any) -> Any:
            self.calls.append("before")
            return request

        def after_success(self, context: Any, response: Any) -> Any:
            self.calls.append("success")
            return response

        def after_error(self, context: Any, response: Any, error: Any) -> Any:
            self.calls.append("error")
            return response, error

    with hooked(stub) as friendli:
        friendli.hooks.register_before_request_hook(Mine())
        friendli.hooks.register_after_success_hook(Mine())
        friendli.hooks.register_after_error_hook(Mine())
        generate(friendli)
        stub.replies = [Reply({}, status=400)]
        with pytest.raises(models.SDKError):
            generate(friendli)
    assert Mine.calls == ["before", "success", "before", "error"]


def test_an_error_hook_may_turn_an_answer_into_its_own_error(stub: Stub) -> None:
    stub.replies = [Reply({}, status=402)]
    with hooked(stub) as friendli:
        friendli.hooks.register_after_error_hook(lambda c, r, e: (r, ValueError("out of credit")))
        with pytest.raises(ValueError, match="out of credit"):
            generate(friendli)


def test_an_exception_from_a_hook_is_raised(stub: Stub) -> None:
    with hooked(stub) as friendli:
        friendli.hooks.register_before_request_hook(lambda c, r: PermissionError("no"))
        with pytest.raises(PermissionError):
            generate(friendli)
    assert stub.requests == []
