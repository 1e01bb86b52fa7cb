"""`friendli.container`: pictures from a container."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from friendli._async.calls import AsyncCalls, OnProgress, picture
from friendli._async.stream import AsyncImageStream
from friendli.calls import call_options
from friendli.operations import CONTAINER_EDIT, CONTAINER_GENERATE
from friendli.types import UNSET, OptionalNullable

if TYPE_CHECKING:
    from friendli_wire.container import ContainerResponseFormat

    from friendli.inputs import ImageLike
    from friendli.results import ContainerImageGenerateSuccess, Event
    from friendli.retries import RetryConfig


class AsyncContainer:
    """The operations of a container."""

    def __init__(self, calls: AsyncCalls) -> None:
        self.image = AsyncContainerImage(calls)


class AsyncContainerImage:
    """`friendli.container.image`."""

    def __init__(self, calls: AsyncCalls) -> None:
        self._calls = calls

    async def generate(
        self,
        *,
        prompt: str,
        model: OptionalNullable[str] = UNSET,
        num_inference_steps: int | None = 20,
        guidance_scale: float | None = 0.0,
        seed: OptionalNullable[int] = UNSET,
        response_format: OptionalNullable[ContainerResponseFormat] = UNSET,
        control_images: OptionalNullable[Iterable[ImageLike]] = UNSET,
        controlnet_weights: OptionalNullable[Iterable[float]] = UNSET,
        retries: OptionalNullable[RetryConfig] = UNSET,
        server_url: str | None = None,
        timeout_ms: int | None = None,
        http_headers: Mapping[str, str] | None = None,
        validate: bool = True,
        on_progress: OnProgress | None = None,
    ) -> ContainerImageGenerateSuccess:
        """Make a picture from a text.

        Args:
            prompt: What to draw.
            model: Route of an adapter; none is the base model.
            num_inference_steps: Denoising steps, 1..50.
            guidance_scale: How closely to follow the prompt; 0 is without guidance.
            seed: The same seed gives the same picture.
            response_format: "jpeg" or "raw" (row-major RGB8).
            control_images: One picture for each ControlNet.
            controlnet_weights: One weight in [0, 1] for each control image.
            retries: Replaces the client's retries; None retries nothing.
            server_url: Replaces the client's address.
            timeout_ms: Replaces the client's timeout.
            http_headers: Added to the request.
            validate: Whether to check the arguments before sending.
            on_progress: Called after each step with `step`, `steps` and `eta` (seconds).

        Raises:
            pydantic.ValidationError: An argument is wrong; nothing was sent.
            models.SDKError: The server refused or failed.
            models.TransportError: No answer came.
        """
        fields = {
            "prompt": prompt,
            "model": model,
            "num_inference_steps": num_inference_steps,
            "guidance_scale": guidance_scale,
            "seed": seed,
            "response_format": response_format,
            "control_images": control_images,
            "controlnet_weights": controlnet_weights,
        }
        options = call_options(retries, server_url, timeout_ms, http_headers)
        if on_progress is not None:
            events = self._calls.events(
                CONTAINER_GENERATE, fields, validate=validate, options=options
            )
            followed: ContainerImageGenerateSuccess = await picture(events, on_progress)
            return followed
        return await self._calls.send(
            CONTAINER_GENERATE, fields=fields, validate=validate, options=options
        )

    async def edit(
        self,
        *,
        image: ImageLike | list[ImageLike],
        prompt: str,
        model: OptionalNullable[str] = UNSET,
        num_inference_steps: int | None = 20,
        guidance_scale: float | None = 0.0,
        seed: OptionalNullable[int] = UNSET,
        response_format: OptionalNullable[ContainerResponseFormat] = UNSET,
        retries: OptionalNullable[RetryConfig] = UNSET,
        server_url: str | None = None,
        timeout_ms: int | None = None,
        http_headers: Mapping[str, str] | None = None,
        mask: OptionalNullable[ImageLike] = UNSET,
        validate: bool = True,
        on_progress: OnProgress | None = None,
    ) -> ContainerImageGenerateSuccess:
        """Make a picture from one or more pictures and a text.

        Args:
            image: What to edit: a URL, path, bytes, file, Pillow image, dict, or a list of them.
            prompt: What to change.
            model: As for `generate`, and so are the rest.
            num_inference_steps: Denoising steps, 1..50.
            guidance_scale: How closely to follow the prompt; 0 is without guidance.
            seed: The same seed gives the same picture.
            response_format: "jpeg" or "raw".
            retries: Replaces the client's retries.
            server_url: Replaces the client's address.
            timeout_ms: Replaces the client's timeout.
            http_headers: Added to the request.
            mask: Where to paint, as large as the one `image`: transparent there, or white if it is
                opaque everywhere. Models that cannot refuse it.
            validate: Whether to check the arguments before sending.
            on_progress: Called after each step.

        Raises:
            pydantic.ValidationError: An argument is wrong; nothing was sent.
            models.SDKError: The server refused or failed.
            models.TransportError: No answer came.
        """
        fields = {
            "image": image,
            "prompt": prompt,
            "model": model,
            "num_inference_steps": num_inference_steps,
            "guidance_scale": guidance_scale,
            "seed": seed,
            "response_format": response_format,
            "mask": mask,
        }
        options = call_options(retries, server_url, timeout_ms, http_headers)
        if on_progress is not None:
            events = self._calls.events(CONTAINER_EDIT, fields, validate=validate, options=options)
            followed: ContainerImageGenerateSuccess = await picture(events, on_progress)
            return followed
        return await self._calls.send(
            CONTAINER_EDIT, fields=fields, validate=validate, options=options
        )

    def stream(
        self,
        *,
        prompt: str,
        image: OptionalNullable[ImageLike | list[ImageLike]] = UNSET,
        model: OptionalNullable[str] = UNSET,
        num_inference_steps: int | None = 20,
        guidance_scale: float | None = 0.0,
        seed: OptionalNullable[int] = UNSET,
        response_format: OptionalNullable[ContainerResponseFormat] = UNSET,
        control_images: OptionalNullable[Iterable[ImageLike]] = UNSET,
        controlnet_weights: OptionalNullable[Iterable[float]] = UNSET,
        retries: OptionalNullable[RetryConfig] = UNSET,
        server_url: str | None = None,
        timeout_ms: int | None = None,
        http_headers: Mapping[str, str] | None = None,
        mask: OptionalNullable[ImageLike] = UNSET,
        validate: bool = True,
    ) -> AsyncImageStream[Event]:
        """Watch a picture come: `generate` as events, or `edit` when an `image` is given.

        Nothing is sent before the first event is asked for. The arguments are those of `generate`
        and `edit`; see there, also for what is raised.
        """
        fields: dict[str, Any] = {
            "prompt": prompt,
            "model": model,
            "num_inference_steps": num_inference_steps,
            "guidance_scale": guidance_scale,
            "seed": seed,
            "response_format": response_format,
        }
        operation = CONTAINER_GENERATE
        if image is not UNSET or mask is not UNSET:
            operation = CONTAINER_EDIT
            fields |= {"image": image, "mask": mask}
        else:
            fields["control_images"] = control_images
            fields["controlnet_weights"] = controlnet_weights
        options = call_options(retries, server_url, timeout_ms, http_headers)
        events = self._calls.events(operation, fields, validate=validate, options=options)
        return AsyncImageStream(events)
