"""Whether a model can do what a request asks for, decided before any work. Knows no torch."""

from __future__ import annotations

from math import isfinite

from .errors import InvalidRequestError, NotSupportedError, UnknownAdapterError
from .request import ImageRequest, ModelInfo, Pixels


def check(request: ImageRequest, info: ModelInfo) -> None:
    """Return if `info`'s model can run `request`.

    Raises:
        UnknownAdapterError: no adapter has the route in `adapter`.
        NotSupportedError: pictures to edit or control images for a model without that ability.
        InvalidRequestError: counts, sizes or numbers that no model could run.
    """
    _check_numbers(request)
    _check_adapter(request, info)
    _check_pictures(request, info)
    _check_size(request, info)


def _check_numbers(request: ImageRequest) -> None:
    if request.steps < 1:
        raise InvalidRequestError("At least one step is needed.", param="steps")
    if not 0 <= request.step_cache <= 1:
        raise InvalidRequestError("It must be between 0 and 1.", param="step_cache")
    if not -(2**63) <= request.seed < 2**64:
        raise InvalidRequestError("The seed must fit into 64 bits.", param="seed")
    if request.guidance is not None and not isfinite(request.guidance):
        raise InvalidRequestError("The guidance must be a number.", param="guidance")
    if not all(0 <= weight <= 1 for weight in request.control_weights):
        raise InvalidRequestError("A weight must be within 0 and 1.", param="control_weights")


def _check_adapter(request: ImageRequest, info: ModelInfo) -> None:
    if request.adapter is None or request.adapter in info.adapters:
        return
    raise UnknownAdapterError.among(info.adapters, request.adapter)


def _check_pictures(request: ImageRequest, info: ModelInfo) -> None:
    controls, nets, weights = request.control_images, info.controlnets, request.control_weights
    if not (request.images or info.generates):
        raise NotSupportedError("This model only edits pictures: give one.", param="images")
    if request.mask:
        _check_mask(request, info)
    elif request.images and not info.edits:
        raise NotSupportedError("This model cannot edit pictures.", param="images")
    if len(request.images) > info.max_images:
        message = f"This model edits from at most {info.max_images} pictures."
        raise NotSupportedError(message, param="images")
    if controls and not nets:
        raise NotSupportedError("This model has no ControlNet.", param="control_images")
    if controls and request.images:
        message = "A request either edits pictures or follows control images, not both."
        raise NotSupportedError(message, param="control_images")
    if len(controls) > len(nets):
        message = f"{len(controls)} control images were given for {len(nets)} ControlNets."
        raise InvalidRequestError(message, param="control_images")
    if weights and len(weights) != len(controls):
        message = f"{len(weights)} weights were given for {len(controls)} control images."
        raise InvalidRequestError(message, param="control_weights")
    _check_pixels(request.images, "images")
    _check_pixels((request.mask,) if request.mask else (), "mask")
    _check_pixels(controls, "control_images")


def _check_mask(request: ImageRequest, info: ModelInfo) -> None:
    if not info.inpaints:
        raise NotSupportedError("This model cannot paint into masks.", param="mask")
    if len(request.images) != 1:
        raise InvalidRequestError("A mask belongs to exactly one picture.", param="mask")


def _check_pixels(pictures: tuple[Pixels, ...], param: str) -> None:
    for picture in pictures:
        if picture.width < 1 or len(picture.data) != picture.width * picture.height * 3:
            raise InvalidRequestError("A picture's bytes do not match its size.", param=param)


def _check_size(request: ImageRequest, info: ModelInfo) -> None:
    for param in ("width", "height"):
        side = getattr(request, param)
        if side is not None and (side < info.multiple or side % info.multiple):
            message = f"It must be a positive multiple of {info.multiple}."
            raise InvalidRequestError(message, param=param)
    pixels = (request.width or info.width) * (request.height or info.height)
    if info.max_pixels and pixels > info.max_pixels:
        message = f"The picture may have at most {info.max_pixels} pixels."
        raise InvalidRequestError(message, param="width" if request.width else "height")
