"""What happened at this gateway, in numbers for Prometheus. Knows no request and no table.

Names begin with `friendli_gateway_`: a container behind it has names of its own. No label holds
what a stranger can make up: endpoints are named only once they are known to exist.
"""

from __future__ import annotations

import logging
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

logger = logging.getLogger("friendli.dedicated")

_SECONDS: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)


class Metrics:
    """The numbers of one gateway process."""

    def __init__(self) -> None:
        self.registry = made = CollectorRegistry()
        self.http = Counter(
            "friendli_gateway_http_requests",
            "Answers, by route (its template), method and status.",
            ["route", "method", "status"],
            registry=made,
        )
        self.http_seconds = Histogram(
            "friendli_gateway_http_request_seconds",
            "Seconds to the end of an answer, by route.",
            ["route"],
            buckets=_SECONDS,
            registry=made,
        )
        self.jobs = Counter(
            "friendli_gateway_jobs",
            "Jobs admitted, by endpoint and outcome: ok, cancelled or the code of the error.",
            ["endpoint", "outcome"],
            registry=made,
        )
        self.job_seconds = Histogram(
            "friendli_gateway_job_seconds",
            "Seconds from admission to the answer of jobs that went well, by endpoint.",
            ["endpoint"],
            buckets=_SECONDS,
            registry=made,
        )
        self.images = Counter(
            "friendli_gateway_images", "Pictures made, by endpoint.", ["endpoint"], registry=made
        )
        self.in_flight = Gauge("friendli_gateway_jobs_in_flight", "Jobs running.", registry=made)
        self.steps = Counter(
            "friendli_gateway_steps",
            "Denoiser steps of pictures made, by endpoint.",
            ["endpoint"],
            registry=made,
        )
        self.steps_in_flight = Gauge(
            "friendli_gateway_steps_in_flight",
            "Denoiser steps of jobs running, by endpoint.",
            ["endpoint"],
            registry=made,
        )
        self.refused = Counter(
            "friendli_gateway_quota_refusals", "Jobs refused, by quota.", ["quota"], registry=made
        )
        self.moved = Counter(
            "friendli_gateway_moved_requests",
            "Requests handed to another replica, by reason: lost or busy.",
            ["reason"],
            registry=made,
        )
        self.endpoints = Gauge(
            "friendli_gateway_endpoints",
            "Endpoints by status, as far as this node plans for them.",
            ["status"],
            registry=made,
        )
        self.leads = Gauge(
            "friendli_gateway_leads", "Whether this node plans for all (1).", registry=made
        )

    def publish(self, host: str, port: int) -> None:
        """Serve `/metrics` from a thread, so that a scraper that hangs holds up nothing."""
        try:
            start_http_server(port, host, self.registry)
        except OSError as error:
            logger.warning("no metrics: port %s: %s", port, error.strerror)
