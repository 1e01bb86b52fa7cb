"""Ray Serve with `@serve.batch`: `python -m benchmarks.peers.ray_batching PORT`."""

# No `from __future__ import annotations`: Ray pickles the class, and FastAPI reads its signatures.

import asyncio
import signal
import sys
from typing import Any

import ray
from fastapi import Body, FastAPI
from friendli_engine.request import ImageRequest
from ray import serve

from benchmarks.peers import MAX_BATCH, WINDOW, answer, painter
from benchmarks.workload.trace import from_body

app = FastAPI()


@serve.deployment(max_ongoing_requests=512)
@serve.ingress(app)
class Pictures:
    """One replica with the model."""

    def __init__(self) -> None:
        self.painter = painter()

    @serve.batch(max_batch_size=MAX_BATCH, batch_wait_timeout_s=WINDOW)
    async def paint(self, requests: list[ImageRequest]) -> list[bytes]:
        """The pictures of a batch, beside the loop that answers Ray's health checks."""
        return await asyncio.to_thread(self.painter.pictures, requests)

    @app.post("/v1/images/generations")
    async def generate(self, wire: dict[str, Any] = Body()) -> dict[str, str]:  # noqa: B008
        """One picture of a batch."""
        return answer(await self.paint(from_body(wire)))


if __name__ == "__main__":
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    serve.start(http_options={"host": "127.0.0.1", "port": int(sys.argv[1])})
    serve.run(Pictures.bind())  # type: ignore[attr-defined]
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    ray.shutdown()
