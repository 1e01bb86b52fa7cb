"""What the routes share: the engine, the settings, and whether the server is leaving.

Knows nothing about HTTP.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from opentelemetry.trace import NoOpTracerProvider, TracerProvider

from friendli_server.container.admission import Admission
from friendli_server.container.arrival import Arrival
from friendli_server.container.engine import Engine
from friendli_server.container.metrics import Metrics
from friendli_server.errors import ApiError
from friendli_server.intake import Intake
from friendli_server.settings import ContainerSettings


@dataclass
class Service:
    """One container: everything a request needs to be served."""

    engine: Engine
    settings: ContainerSettings
    draining: bool = False
    arrival: Arrival | None = None
    """What has to come before the engine, and its adapters after it; None when all is there."""
    traces: TracerProvider = field(default_factory=NoOpTracerProvider)
    admission: Admission = field(init=False)
    intake: Intake = field(init=False)
    metrics: Metrics = field(init=False)

    def __post_init__(self) -> None:
        self.intake = Intake(urls=self.settings.image_urls, allow=self.settings.allow_image_host)
        self.admission = Admission(self.settings.max_queue, self.settings.max_per_client)
        # Late, for the engine may come after its weights.
        self.metrics = Metrics(self.admission, lambda: self.engine.stats())  # noqa: PLW0108

    @property
    def ready(self) -> bool:
        """Whether a new request would be taken."""
        return self.engine.state == "ready" and not (self.arrival or self.draining)

    @property
    def state(self) -> str:
        """The engine's, but starting until everything is there, and draining once it leaves."""
        if self.draining:
            return "draining"
        return "starting" if self.arrival else self.engine.state

    def require_ready(self) -> None:
        """Raise the 503 that fits, unless ready."""
        if self.draining:
            raise ApiError("draining", retry_after=1)
        if not self.ready:
            raise ApiError("not_ready", retry_after=2)
