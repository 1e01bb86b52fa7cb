"""`friendli.dedicated`: pictures from dedicated endpoints, and the endpoints themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from friendli._async.calls import AsyncCalls, OnProgress, picture
from friendli._async.endpoint import AsyncEndpoint
from friendli._async.stream import AsyncImageStream
from friendli.calls import CallOptions, call_options
from friendli.operations import DEDICATED_EDIT, DEDICATED_GENERATE, Operation
from friendli.types import UNSET, OptionalNullable

if TYPE_CHECKING:
    from friendli_wire.dedicated import DedicatedResponseFormat

    from friendli.inputs import ImageLike
    from friendli.results import DedicatedEvent, DedicatedImageGenerateSuccess
    from friendli.retries import RetryConfig


class AsyncDedicated:
    """The operations of dedicated endpoints."""

    def __init__(self, calls: AsyncCalls) -> None:
        self.image = AsyncDedicatedImage(calls)
        self.endpoint = AsyncEndpoint(calls)


class AsyncDedicatedImage:
    """`friendli.dedicated.image`."""

    def __init__(self, calls: AsyncCalls) -> None:
        self._calls = calls

    async def generate(
        self,
        *,
        model: str,
        prompt: str,
        x_friendli_team: OptionalNullable[str] = UNSET,
        num_inference_steps: int | None = 20,
        guidance_scale: OptionalNullable[float] = UNSET,
        seed: OptionalNullable[int] = UNSET,
        response_format: OptionalNullable[DedicatedResponseFormat] = UNSET,
        control_images: OptionalNullable[Iterable[ImageLike]] = UNSET,
        controlnet_weights: OptionalNullable[Iterable[float]] = UNSET,
        retries: OptionalNullable[RetryConfig] = UNSET,
        server_url: str | None = None,
        timeout_ms: int | None = None,
        http_headers: Mapping[str, str] | None = None,
        validate: bool = True,
        on_progress: OnProgress | None = None,
    ) -> DedicatedImageGenerateSuccess:
        """Make pictures from a text.

        Args:
            model: `ENDPOINT` or `ENDPOINT:ADAPTER_ROUTE`.
            prompt: What to draw.
            x_friendli_team: The team to run as; not given: the client's.
            num_inference_steps: Denoising steps, 1..50.
            guidance_scale: How closely to follow the prompt; None is the model's default.
            seed: The same seed gives the same picture.
            response_format: "url", "png", "jpeg", "jpg" or "raw" (row-major RGB8).
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
            "model": model,
            "prompt": prompt,
            "num_inference_steps": num_inference_steps,
            "guidance_scale": guidance_scale,
            "seed": seed,
            "response_format": response_format,
            "control_images": control_images,
            "controlnet_weights": controlnet_weights,
        }
        options = call_options(retries, server_url, timeout_ms, http_headers)
        return await self._pictures(
            DEDICATED_GENERATE,
            fields,
            validate=validate,
            team=x_friendli_team,
            options=options,
            on_progress=on_progress,
        )

    async def edit(
        self,
        *,
        image: ImageLike | list[ImageLike],
        prompt: str,
        model: str,
        x_friendli_team: OptionalNullable[str] = UNSET,
        num_inference_steps: int | None = 20,
        guidance_scale: OptionalNullable[float] = UNSET,
        seed: OptionalNullable[int] = UNSET,
        response_format: OptionalNullable[DedicatedResponseFormat] = UNSET,
        retries: OptionalNullable[RetryConfig] = UNSET,
        server_url: str | None = None,
        timeout_ms: int | None = None,
        http_headers: Mapping[str, str] | None = None,
        mask: OptionalNullable[ImageLike] = UNSET,
        validate: bool = True,
        on_progress: OnProgress | None = None,
    ) -> DedicatedImageGenerateSuccess:
        """Make pictures from one or more pictures and a text.

        Args:
            image: What to edit: a URL, path, bytes, file, Pillow image, dict, or a list of them.
            prompt: What to change.
            model: `ENDPOINT` or `ENDPOINT:ADAPTER_ROUTE`; the rest is as for `generate`.
            x_friendli_team: The team to run as; not given: the client's.
            num_inference_steps: Denoising steps, 1..50.
            guidance_scale: How closely to follow the prompt; None is the model's default.
            seed: The same seed gives the same picture.
            response_format: "url", "png", "jpeg", "jpg" or "raw".
            retries: Replaces the client's retries.
            server_url: Replaces the client's address.
            timeout_ms: Replaces the client's timeout.
            http_headers: Added to the request.
            mask: Where to paint, as large as the one `image`: transparent there, or white if it is
                opaque everywhere. Models that cannot refuse it.
            validate: Whether to check the arguments before sending.
            on_progress: Called after each step with `step`, `steps` and `eta` (seconds).

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
        return await self._pictures(
            DEDICATED_EDIT,
            fields,
            validate=validate,
            team=x_friendli_team,
            options=options,
            on_progress=on_progress,
        )

    def stream(
        self,
        *,
        model: str,
        prompt: str,
        image: OptionalNullable[ImageLike | list[ImageLike]] = UNSET,
        x_friendli_team: OptionalNullable[str] = UNSET,
        num_inference_steps: int | None = 20,
        guidance_scale: OptionalNullable[float] = UNSET,
        seed: OptionalNullable[int] = UNSET,
        response_format: OptionalNullable[DedicatedResponseFormat] = UNSET,
        control_images: OptionalNullable[Iterable[ImageLike]] = UNSET,
        controlnet_weights: OptionalNullable[Iterable[float]] = UNSET,
        retries: OptionalNullable[RetryConfig] = UNSET,
        server_url: str | None = None,
        timeout_ms: int | None = None,
        http_headers: Mapping[str, str] | None = None,
        mask: OptionalNullable[ImageLike] = UNSET,
        validate: bool = True,
    ) -> AsyncImageStream[DedicatedEvent]:
        """Watch a picture come: `generate` as events, or `edit` when an `image` is given.

        Nothing is sent before the first event is asked for. The arguments are those of `generate`
        and `edit`; see there, also for what is raised.
        """
        fields: dict[str, Any] = {
            "model": model,
            "prompt": prompt,
            "num_inference_steps": num_inference_steps,
            "guidance_scale": guidance_scale,
            "seed": seed,
            "response_format": response_format,
        }
        operation = DEDICATED_GENERATE
        if image is not UNSET or mask is not UNSET:
            operation = DEDICATED_EDIT
            fields |= {"image": image, "mask": mask}
        else:
            fields["control_images"] = control_images
            fields["controlnet_weights"] = controlnet_weights
        events = self._calls.events(
            operation,
            fields,
            validate=validate,
            team=x_friendli_team,
            options=call_options(retries, server_url, timeout_ms, http_headers),
        )
        return AsyncImageStream(events)

    async def _pictures(
        self,
        operation: Operation[DedicatedImageGenerateSuccess],
        fields: dict[str, Any],
        *,
        validate: bool,
        team: OptionalNullable[str],
        options: CallOptions,
        on_progress: OnProgress | None,
    ) -> DedicatedImageGenerateSuccess:
        if on_progress is None:
            return await self._calls.send(
                operation, fields=fields, validate=validate, team=team, options=options
            )
        events = self._calls.events(
            operation, fields, validate=validate, team=team, options=options
        )
        followed: DedicatedImageGenerateSuccess = await picture(events, on_progress)
        return followed
