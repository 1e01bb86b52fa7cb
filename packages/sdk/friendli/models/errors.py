"""The body of a documented 422, as an object."""

from __future__ import annotations

from friendli_wire import ErrorLocation as ValidationError
from pydantic import BaseModel

Loc = str | int


class HTTPValidationErrorData(BaseModel):
    """The faults that `HTTPValidationError.data` lists."""

    detail: list[ValidationError] | None = None


__all__ = ["HTTPValidationErrorData", "Loc", "ValidationError"]
