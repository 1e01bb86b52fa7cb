"""What a strict type checker makes of user code; checked by mypy with the rest, never run.

The lines with an ignore must be errors: mypy reports an ignore that is not needed.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import assert_type

import httpx
import httpx2
from friendli import AsyncFriendli, SyncFriendli, models
from friendli.types import UNSET
from friendli.utils import BackoffStrategy, RetryConfig
from PIL import Image


def inferred(friendli: SyncFriendli) -> None:
    res = friendli.container.image.generate(prompt="p")
    assert_type(res, models.ContainerImageGenerateSuccess)
    assert_type(res.image, bytes)
    assert_type(res.save("a.jpg"), Path)
    assert_type(res.to_pil(), Image.Image)
    assert_type(res.seed, int | None)
    data = friendli.dedicated.image.generate(model="m", prompt="p").data
    assert_type(data, list[models.URLImageItem] | list[models.B64ImageItem])
    status = friendli.dedicated.endpoint.wake(endpoint_id="e")
    assert_type(status, models.DedicatedEndpointStatus)
    with friendli.container.image.stream(prompt="p") as events:
        for event in events:
            if isinstance(event, models.ProgressEvent):
                assert_type(event.step, int)


async def inferred_too(friendli: AsyncFriendli) -> None:
    assert_type(
        await friendli.container.image.edit(prompt="p", image=b""),
        models.ContainerImageGenerateSuccess,
    )
    async for event in friendli.container.image.stream(prompt="p"):
        if isinstance(event, models.FinishedEvent):
            assert_type(event.content, bytes)
    async for told in friendli.dedicated.image.stream(model="m", prompt="p"):
        if isinstance(told, models.DedicatedFinishedEvent):
            assert_type(told.data, list[models.URLImageItem] | list[models.B64ImageItem])
    spec = await friendli.dedicated.endpoint.get_spec(endpoint_id="e", timeout_ms=5)
    assert_type(spec, models.DedicatedEndpointSpec)


def accepted(friendli: SyncFriendli) -> None:
    one = models.ImageInput(image="https://example.com/cat.png")
    typed: models.ImageInputTypedDict = {"image": "https://example.com/cat.png"}
    edit = friendli.container.image.edit
    for image in ("cat.png", Path("cat.png"), b"", io.BytesIO(), one, Image.new("L", (1, 1))):
        edit(prompt="p", image=image, mask=image)
    edit(prompt="p", image=typed, mask=typed)
    edit(prompt="p", image=[one, "cat.png"], model=None, seed=UNSET, response_format="raw")
    friendli.container.image.generate(
        prompt="p",
        control_images=({"image": url} for url in ("a", "b")),
        controlnet_weights=(0, 1.0),
        retries=RetryConfig("backoff", BackoffStrategy(1, 2, 1.5, 3), retry_connection_errors=True),
        http_headers={"x": "y"},
        on_progress=lambda event: event.step,
    )
    SyncFriendli(token=lambda: None, client=httpx.Client(), x_friendli_team="t")
    SyncFriendli("token", client=httpx2.Client(), retry_config=None)
    AsyncFriendli(async_client=httpx.AsyncClient())


def constructed() -> None:
    body = models.ContainerImageGenerationBody(prompt="p", seed=3)
    assert_type(body.seed, int | None)
    edit = models.DedicatedImageEditBody(
        model="e", prompt="p", image=models.ImageInput(image="https://example.com/cat.png")
    )
    models.DedicatedImagesEditRequest(x_friendli_team="t", dedicated_image_edit_body=edit)
    models.ContainerImageGenerationBody(seed=3)  # type: ignore[call-arg]


def refused(friendli: SyncFriendli) -> None:
    friendli.container.image.generate("p")  # type: ignore[call-arg]
    friendli.container.image.generate(prompt=3)  # type: ignore[arg-type]
    friendli.container.image.generate(prompt="p", response_format="png")  # type: ignore[arg-type]
    friendli.container.image.edit(prompt="p", image=3)  # type: ignore[arg-type]
    friendli.dedicated.image.generate(prompt="p")  # type: ignore[call-arg]
    friendli.dedicated.endpoint.wake(endpoint_id="e", timeout=5)  # type: ignore[call-arg]
    SyncFriendli(clients=None)  # type: ignore[call-arg]
