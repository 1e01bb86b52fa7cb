"""A program as a user of the official client has it: `python user_script.py BASE_URL`.

Run with the official client and with ours. It uses what such programs use beside plain calls: both
clients, their own HTTP clients, hooks, retries, token functions, models, errors and what they
inherit from. Prints, as JSON, what each part came to.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import Callable
from typing import Any

import httpx
from friendli import AsyncFriendli, SyncFriendli, models
from friendli.core import models as core_models
from friendli.models import ContainerImageGenerationBody, ImageInputTypedDict
from friendli.utils import BackoffStrategy, RetryConfig
from pydantic import ValidationError

URL = sys.argv[1]
QUICK = RetryConfig("backoff", BackoffStrategy(1, 5, 1.5, 5000), True)
CAT: ImageInputTypedDict = {"image": "https://example.com/cat.png"}


class Trace:
    """A hook of the user's."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def before_request(self, context: Any, request: Any) -> Any:
        self.heard.append(f"before {context.operation_id} {request.method}")
        request.headers["x-trace"] = "1"
        return request

    def after_success(self, context: Any, response: Any) -> Any:
        self.heard.append(f"success {context.operation_id} {response.status_code}")
        return response

    def after_error(self, context: Any, response: Any, error: Any) -> Any:
        self.heard.append(f"error {context.operation_id} {response.status_code}")
        return response, error


def plain() -> Any:
    with SyncFriendli("flp_t", server_url=URL, x_friendli_team="team") as friendli:
        res = friendli.container.image.generate(prompt="p", seed=3, server_url=f"{URL}/ok")
        return [type(res).__name__, res.image.decode(), res.model_dump(mode="json")["image"]]


def own_client() -> Any:
    with httpx.Client(headers={"x-mine": "1"}, timeout=20) as mine:
        friendli = SyncFriendli(token=lambda: "flp_called", client=mine, retry_config=None)
        res = friendli.dedicated.image.generate(
            model="e", prompt="p", control_images=[CAT], server_url=f"{URL}/ok"
        )
        return [type(item).__name__ for item in res.data], res.data[0].seed


def hooked() -> Any:
    trace = Trace()
    with SyncFriendli(token="t", retry_config=None) as friendli:
        hooks = friendli.sdk_configuration.__dict__["_hooks"]
        hooks.register_before_request_hook(trace)
        hooks.register_after_success_hook(trace)
        hooks.register_after_error_hook(trace)
        friendli.container.image.generate(prompt="p", server_url=f"{URL}/ok")
        try:
            friendli.container.image.edit(image=CAT, prompt="p", server_url=f"{URL}/refused")
        except models.SDKError as error:
            trace.heard.append(str(error.status_code))
    return trace.heard


def retried() -> Any:
    with SyncFriendli(token="t", retry_config=QUICK) as friendli:
        res = friendli.container.image.generate(prompt="p", server_url=f"{URL}/flaky")
        return res.image.decode()


def too_slow() -> Any:
    with SyncFriendli(token="t", timeout_ms=100, retry_config=None) as friendli:
        try:
            friendli.container.image.generate(prompt="p", server_url=f"{URL}/slow")
        except httpx.TimeoutException as error:
            return isinstance(error, httpx.ReadTimeout)


def wrong() -> Any:
    found: list[Any] = []
    with SyncFriendli(token="t", retry_config=None) as friendli:
        refused: list[dict[str, Any]] = [
            {"num_inference_steps": "ten"},
            {"response_format": "webp"},
        ]
        for given in refused:
            try:
                friendli.container.image.generate(prompt="p", server_url=f"{URL}/ok", **given)
            except ValidationError as error:
                found.append(error.errors()[0]["loc"][0])
        try:
            friendli.container.image.generate(prompt="p", server_url=f"{URL}/shape")
        except models.ResponseValidationError as error:
            found.append(isinstance(error.cause, ValidationError))
        try:
            friendli.container.image.generate(prompt="p", server_url=f"{URL}/refused")
        except models.FriendliCoreError as error:
            found.append((error.status_code, error.headers["content-type"], error.body))
    return found


def bodies() -> Any:
    body = ContainerImageGenerationBody(prompt="p", num_inference_steps=10, guidance_scale=3.5)
    again = core_models.ContainerImageGenerationBody.model_validate(body.model_dump())
    image = models.ImageInput(image="x")
    return [again.prompt, again.num_inference_steps, image.image, bool(body.seed)]


def life() -> Any:
    with SyncFriendli(token="t", server_url=f"{URL}/ok", retry_config=None) as friendli:
        endpoint = friendli.dedicated.endpoint
        listed = endpoint.list(limit=5)
        return [
            str(endpoint.get_status(endpoint_id="dep").status),
            endpoint.get_spec(endpoint_id="dep").name,
            sorted(listed.data),
            listed.next_cursor,
            endpoint.wake(endpoint_id="dep").status,
        ]


def at_once() -> Any:
    async def many() -> Any:
        async with AsyncFriendli(token="t", server_url=URL, retry_config=QUICK) as friendli:
            generate = friendli.container.image.generate
            found = await asyncio.gather(
                *(generate(prompt="p", server_url=f"{URL}/ok", seed=n) for n in range(8))
            )
            with_client = httpx.AsyncClient()
            async with AsyncFriendli(async_client=with_client, token="t") as second:
                one = await second.container.image.edit(
                    image=[CAT], prompt="p", server_url=f"{URL}/ok"
                )
            closed = with_client.is_closed
            await with_client.aclose()
            return [len(found), one.image.decode(), closed]

    return asyncio.run(many())


PARTS: list[Callable[[], Any]] = [
    plain, own_client, hooked, retried, too_slow, wrong, bodies, life, at_once,
]  # fmt: skip


def main() -> None:
    logging.disable()
    sys.stdout.write(json.dumps({part.__name__: part() for part in PARTS}, default=str))


if __name__ == "__main__":
    main()
