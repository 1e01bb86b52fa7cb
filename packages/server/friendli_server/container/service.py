"""What the routes share: the engine, the settings, and whether the server is leaving.

Knows nothing about HTTP.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from opentelemetry.trace import NoOpTracerProvider, TracerProvider

from friendli_server.container.admission import Admission
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
    traces: TracerProvider = field(default_factory=NoOpTracerProvider)
    admission: Admission = field(init=False)
    intake: Intake = field(init=False)
    metrics: Metrics = field(init=False)

    def __post_init__(self) -> None:
        self.intake = Intake(urls=self.settings.image_urls, allow=self.settings.allow_image_host)
        self.admission = Admission(self.settings.max_queue, self.settings.max_per_client)
        self.metrics = Metrics(self.admission, self.engine)

    @property
    def ready(self) -> bool:
        """Whether a new request would be taken."""
        return self.engine.state == "ready" and not self.draining

    def require_ready(self) -> None:
        """Raise the 503 that fits, unless ready."""
        if self.draining:
            raise ApiError("draining", retry_after=1)
        if not self.ready:
            raise ApiError("not_ready", retry_after=2)
