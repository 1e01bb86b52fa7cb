"""LitServe with dynamic batching: `python -m benchmarks.peers.litserve_batching PORT`."""

# No `from __future__ import annotations`: LitServe reads the signatures.
# ruff: noqa: E402  # LitServe must not see our mcp

import sys
from typing import Any

sys.modules["mcp"] = None  # type: ignore[assignment]  # ours is newer than the one it knows

import litserve  # type: ignore[import-not-found]  # lives in an environment of its own
from friendli_engine.request import ImageRequest

from benchmarks.peers import MAX_BATCH, WINDOW, answer, painter
from benchmarks.workload.trace import from_body


class Pictures(litserve.LitAPI):  # type: ignore[misc]
    """The hooks that LitServe calls; it finds their arguments by name."""

    def setup(self, device: str) -> None:
        """Load the model once in each worker."""
        del device
        self.painter = painter()

    def decode_request(self, request: dict[str, Any]) -> ImageRequest:
        """One request of a batch."""
        return from_body(request)

    def predict(self, x: list[ImageRequest]) -> list[bytes]:
        """The pictures of a batch."""
        return self.painter.pictures(x)

    def encode_response(self, output: bytes) -> dict[str, str]:
        """One answer of a batch."""
        return answer(output)


if __name__ == "__main__":
    api = Pictures(
        max_batch_size=MAX_BATCH, batch_timeout=WINDOW, api_path="/v1/images/generations"
    )
    server = litserve.LitServer(api, accelerator="cpu", timeout=False)
    server.run(port=int(sys.argv[1]), generate_client_file=False, log_level="warning")
