"""Phases of the work as spans: one ends where the next begins. Knows no phase by name."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from opentelemetry.trace import Span, Status, StatusCode, Tracer
from opentelemetry.util.types import AttributeValue


class Phases:
    """Spans one after another below the current one; the last ends with the block."""

    def __init__(self, tracer: Tracer, first: str) -> None:
        self._tracer, self._name = tracer, first
        self._span: Span = tracer.start_span(first)

    def enter(self, name: str, **attributes: AttributeValue) -> None:
        """End the phase that is, and begin `name` unless it is the same."""
        if name == self._name:
            return
        self._span.end()
        self._name, self._span = name, self._tracer.start_span(name, attributes=attributes)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if kind:  # the kind only: texts may hold what was asked for
            self._span.set_status(Status(StatusCode.ERROR, kind.__name__))
        self._span.end()
