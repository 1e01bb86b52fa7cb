"""The difference between "not given" and "null", as the wire sees it."""

from __future__ import annotations

from typing import TypeAlias, TypeVar

T = TypeVar("T")


class Unset:
    """The type of `UNSET`: an argument that was not given and does not travel. It is falsy."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "UNSET"


UNSET = Unset()
Nullable: TypeAlias = T | None
OptionalNullable: TypeAlias = T | Unset | None

__all__ = ["UNSET", "Nullable", "OptionalNullable", "Unset"]
