"""BentoML with a batchable API: `python -m benchmarks.peers.bentoml_batching PORT`."""

# No `from __future__ import annotations`: BentoML reads the signatures.

import base64
import os
import sys
from typing import Any

import bentoml  # type: ignore[import-not-found]  # lives in an environment of its own

from benchmarks.peers import MAX_BATCH, painter
from benchmarks.workload.trace import from_body

HOUR = 3600


@bentoml.service(workers=1, traffic={"timeout": HOUR})
class Pictures:
    """One worker with the model; batch sizes and windows adapt."""

    def __init__(self) -> None:
        self.painter = painter()

    @bentoml.api(  # type: ignore[untyped-decorator]
        batchable=True,
        max_batch_size=MAX_BATCH,
        max_latency_ms=HOUR * 1000,
        route="/v1/images/generations",
    )
    def generate(self, requests: list[dict[str, Any]]) -> list[str]:
        """The pictures of a batch as base64."""
        pictures = self.painter.pictures([from_body(wire) for wire in requests])
        return [base64.b64encode(picture).decode() for picture in pictures]


if __name__ == "__main__":
    here = "benchmarks.peers.bentoml_batching:Pictures"
    command = [sys.executable, "-m", "bentoml", "serve", here, "--port", sys.argv[1]]
    os.execv(sys.executable, command)  # takes this process's place
