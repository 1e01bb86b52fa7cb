"""What the server would refuse anyway, refused before it is sent.

The error is `pydantic.ValidationError`, as for a wrong type. `validate=False` skips all of this, so
that the server is always the last word.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

STEPS = range(1, 51)


class ArgumentError(ValueError):
    """One argument that cannot travel; becomes a `ValidationError` that names it."""

    def __init__(self, at: tuple[str | int, ...], message: str, value: Any) -> None:
        super().__init__(message)
        self.at = at
        self.message = message
        self.value = value

    def as_validation_error(self, title: str) -> ValidationError:
        """The error to raise for a body of this name."""
        kind = PydanticCustomError("value_error", "{message}", {"message": self.message})
        fault = InitErrorDetails(type=kind, loc=self.at, input=self.value)
        return ValidationError.from_exception_data(title, [fault])


def check(body: BaseModel) -> None:
    """Check the ranges of a body.

    Raises:
        ArgumentError: Steps outside 1..50, a weight outside [0, 1], or not one per control image.
    """
    steps = getattr(body, "num_inference_steps", None)
    if steps is not None and steps not in STEPS:
        raise ArgumentError(("num_inference_steps",), "must be within 1 and 50", steps)
    _check_weights(
        getattr(body, "controlnet_weights", None) or [], getattr(body, "control_images", None) or []
    )


def _check_weights(weights: list[float], images: list[Any]) -> None:
    for index, weight in enumerate(weights):
        if not 0 <= weight <= 1:
            raise ArgumentError(("controlnet_weights", index), "must be within 0 and 1", weight)
    if weights and images and len(weights) != len(images):
        message = f"{len(weights)} weights for {len(images)} control images"
        raise ArgumentError(("controlnet_weights",), message, weights)
