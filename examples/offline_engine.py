"""Pictures without a server: one process, one engine, as many prompts as you like."""

import sys

from friendli_engine import Engine, ImageRequest, load
from friendli_engine.request import Finished
from friendli_postcard import path
from rich.progress import track

prompts = sys.argv[1:] or ["a red car in the snow", "a blue house at night"]
requests = [ImageRequest(id=p, prompt=p, seed=i, steps=10) for i, p in enumerate(prompts)]
with Engine(load(path())) as engine:
    for event in track(engine.generate(requests), total=sum(r.steps + 2 for r in requests)):
        if isinstance(event, Finished):
            size = f"{event.pixels.width} × {event.pixels.height}"
            print(f"{event.id}: {size} in {event.seconds:.1f} s")
