"""Growing pools of rendered examples as latents on disk: training never waits for a picture.

`fill` renders shards of one kind; `Pool` loads those that exist and notices new ones. A record says
what is in the picture; its dice are dropped, for nobody draws it again.
"""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from .canvas import THING
from .controls import edges3, layout
from .edits import draw_edit
from .latents import PatchBasis, pack
from .render import render
from .scene import Scene, draw_scene
from .styles import stylise

SHARD, AT_ONCE = 1000, 100
Example = tuple[dict[str, Tensor], list[Any]]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is drawn: the folder of the run, which subjects and how varied."""

    runs: Path
    tier: int
    variety: float

    def encode(self, pictures: Tensor) -> Tensor:
        """Tokens [B, 64, 128] of pictures in 0..1, by the run's patch basis."""
        if not (self.runs / "basis.pt").exists():
            PatchBasis.fit(pictures).save(self.runs / "basis.pt")
        return pack(PatchBasis.load(self.runs / "basis.pt").encode(pictures))


Maker = Callable[[Random, Plan], Example]


def forget(scene: Scene) -> Scene:
    """The scene without its dice."""
    return replace(scene, dice=())


def share(mask: Tensor) -> Tensor:
    """How much of each token's 32x32 pixels a mask [B, 256, 256] covers: [B, 64]."""
    return F.avg_pool2d(mask.float()[:, None], 32).flatten(1)


def of_scenes(rng: Random, plan: Plan) -> Example:
    """Pictures of one thing."""
    scenes = [draw_scene(rng, tier=plan.tier, variety=plan.variety) for _ in range(AT_ONCE)]
    rgb, label = render(scenes)
    tensors = {"tokens": plan.encode(rgb), "covered": share(label >= THING)}
    return tensors, [forget(scene) for scene in scenes]


def of_edits(rng: Random, plan: Plan) -> Example:
    """Pictures before and after; what is covered is what changed."""
    edits = [draw_edit(rng, tier=plan.tier, variety=plan.variety) for _ in range(AT_ONCE)]
    before, _ = render([edit.before for edit in edits])
    after, _ = render([edit.after for edit in edits])
    changed = (before - after).abs().amax(1) > 0.02
    tensors = {
        "tokens": plan.encode(after),
        "before": plan.encode(before),
        "covered": share(changed),
    }
    kept = [replace(e, before=forget(e.before), after=forget(e.after)) for e in edits]
    return tensors, kept


def of_style(style: str) -> Maker:
    """Pictures of one thing, redrawn in a style."""

    def make(rng: Random, plan: Plan) -> Example:
        scenes = [draw_scene(rng, tier=plan.tier, variety=plan.variety) for _ in range(AT_ONCE)]
        rgb, label = render(scenes)
        tensors = {"tokens": plan.encode(stylise(rgb, style)), "covered": share(label >= THING)}
        return tensors, [forget(scene) for scene in scenes]

    return make


def of_controls(rng: Random, plan: Plan) -> Example:
    """Pictures of one thing with their outlines and their layout, which speak of all of it."""
    scenes = [draw_scene(rng, tier=plan.tier, variety=plan.variety) for _ in range(AT_ONCE)]
    rgb, label = render(scenes)
    tensors = {
        "tokens": plan.encode(rgb),
        "edges": plan.encode(edges3(rgb)),
        "layout": plan.encode(layout(label)),
    }
    return tensors, [forget(scene) for scene in scenes]


def _shard(make: Maker, rng: Random, plan: Plan) -> dict[str, object]:
    parts = [make(rng, plan) for _ in range(SHARD // AT_ONCE)]
    names = parts[0][0]
    return {
        "tensors": {name: torch.cat([part[name] for part, _ in parts]).half() for name in names},
        "records": [record for _, records in parts for record in records],
    }


def fill(folder: Path, make: Maker, plan: Plan, *, shards: int, seed: int = 0) -> None:
    """Render `shards` shards of 1000 training examples; those that exist are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(shards):
        path = folder / f"{index:04d}.pkl"
        if path.exists():
            continue
        shard = _shard(make, Random(f"{seed}/{folder.name}/{index}"), plan)
        path.with_suffix(".tmp").write_bytes(pickle.dumps(shard))
        path.with_suffix(".tmp").rename(path)
        print(f"{folder.name} {index}", flush=True)


class Pool:
    """All shards of a folder in memory; `batch` draws with replacement."""

    def __init__(self, folder: Path, *, seed: int) -> None:
        self.folder, self.known = folder, set[Path]()
        self.shards: list[dict[str, Any]] = []
        self.rng = Random(seed)
        while not self.refresh():
            time.sleep(2)

    def refresh(self) -> int:
        """Load new shards; returns how many examples there are."""
        for path in sorted(set(self.folder.glob("*.pkl")) - self.known):
            self.shards.append(pickle.loads(path.read_bytes()))
            self.known.add(path)
        return SHARD * len(self.shards)

    def batch(self, size: int, device: torch.device) -> Example:
        """Each tensor with `size` rows, and their records."""
        places = [(self.rng.choice(self.shards), self.rng.randrange(SHARD)) for _ in range(size)]
        tensors = {
            name: torch.stack([shard["tensors"][name][row] for shard, row in places])
            .float()
            .to(device)
            for name in self.shards[0]["tensors"]
        }
        return tensors, [shard["records"][row] for shard, row in places]
