"""Traces of requests by OpenTelemetry, sent where its standard variables say.

Without `OTEL_EXPORTER_OTLP_ENDPOINT` (or the one for traces), or without the extra `otel`, nothing
is recorded and nothing is sent. Knows no span by name.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from importlib.metadata import version

from opentelemetry import trace

logger = logging.getLogger("friendli.server")
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


def exported(service: str) -> tuple[trace.TracerProvider, Callable[[], None]]:
    """Where spans of `service` go, and what sends the last of them at the end."""
    if not any(map(os.environ.get, _ENDPOINTS)):
        return trace.NoOpTracerProvider(), _nothing
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415  # an extra
            OTLPSpanExporter,
        )
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError:
        logger.warning("No traces: they need the extra 'otel' of friendli-image-server.")
        return trace.NoOpTracerProvider(), _nothing
    about = {"service.name": service, "service.version": version("friendli-image-server")}
    resource = Resource.create(about).merge(OTELResourceDetector().detect())  # the variables win
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider, provider.shutdown


def _nothing() -> None:
    """There is nothing to send."""
