"""Plain diffusers behind FastAPI, one request after the other.

`python -m benchmarks.peers.fifo PORT`
"""

from __future__ import annotations

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import uvicorn
from fastapi import Body, FastAPI

from benchmarks.peers import answer, painter
from benchmarks.workload.trace import from_body

app = FastAPI()
diffusers = painter()
turn = ThreadPoolExecutor(1)


@app.post("/v1/images/generations")
async def generate(wire: dict[str, Any] = Body()) -> dict[str, str]:  # noqa: B008  # FastAPI's way
    """A picture, when it is its turn."""
    loop = asyncio.get_running_loop()
    return answer(await loop.run_in_executor(turn, diffusers.picture, from_body(wire)))


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning")
