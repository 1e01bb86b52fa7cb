"""A growing pool of rendered scenes as latents on disk, so that training never waits for a picture.

`fill` renders shards; `Pool` loads those that exist and notices new ones.
"""

from __future__ import annotations

import pickle
import time
from pathlib import Path
from random import Random

import torch
import torch.nn.functional as F

from .canvas import THING
from .latents import PatchBasis, pack
from .render import render
from .scene import Scene, draw_scene

SHARD = 1000


def _render_all(scenes: list[Scene]) -> tuple[torch.Tensor, torch.Tensor]:
    parts = [render(scenes[i : i + 100]) for i in range(0, len(scenes), 100)]
    return torch.cat([rgb for rgb, _ in parts]), torch.cat([label for _, label in parts])


def _shard(
    scenes: list[Scene], basis: PatchBasis, rgb: torch.Tensor, label: torch.Tensor
) -> dict[str, object]:
    tokens = torch.cat([pack(basis.encode(part)) for part in torch.split(rgb, 100)])
    covered = F.avg_pool2d((label >= THING).float()[:, None], 32).flatten(1)
    return {"tokens": tokens.half(), "covered": covered.half(), "scenes": scenes}


def fill(runs: Path, *, shards: int, tier: int, variety: float, seed: int = 0) -> None:
    """Render `shards` shards of 1000 training scenes; fits the patch basis on the first."""
    folder = runs / "pool"
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(shards):
        path = folder / f"{index:04d}.pkl"
        if path.exists():
            continue
        rng = Random(f"{seed}/{index}")
        scenes = [draw_scene(rng, tier=tier, variety=variety) for _ in range(SHARD)]
        rgb, label = _render_all(scenes)
        if not (runs / "basis.pt").exists():
            PatchBasis.fit(rgb[:400]).save(runs / "basis.pt")
        shard = _shard(scenes, PatchBasis.load(runs / "basis.pt"), rgb, label)
        path.with_suffix(".tmp").write_bytes(pickle.dumps(shard))
        path.with_suffix(".tmp").rename(path)
        print(f"shard {index}", flush=True)


class Pool:
    """All shards on disk in memory; `batch` draws with replacement."""

    def __init__(self, runs: Path, *, seed: int) -> None:
        self.folder, self.known = runs / "pool", set[Path]()
        self.tokens, self.covered = torch.empty(0), torch.empty(0)
        self.scenes: list[Scene] = []
        self.rng = Random(seed)
        while not self.refresh():
            time.sleep(2)

    def refresh(self) -> int:
        """Load new shards; returns how many scenes there are."""
        for path in sorted(set(self.folder.glob("*.pkl")) - self.known):
            shard = pickle.loads(path.read_bytes())
            self.tokens = torch.cat([self.tokens.to(torch.float16), shard["tokens"]])
            self.covered = torch.cat([self.covered.to(torch.float16), shard["covered"]])
            self.scenes += shard["scenes"]
            self.known.add(path)
        return len(self.scenes)

    def batch(self, size: int) -> tuple[torch.Tensor, torch.Tensor, list[Scene]]:
        """Tokens [B, 64, 128], coverage by things [B, 64], and the scenes."""
        rows = [self.rng.randrange(len(self.scenes)) for _ in range(size)]
        return self.tokens[rows].float(), self.covered[rows].float(), [self.scenes[r] for r in rows]
