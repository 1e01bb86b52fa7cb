"""Training of the judge: fresh renders of every kind, worsened, with what is where as targets.

Time is counted as computing time, so that a busy machine trains the same judge. It knows nothing
of generated pictures.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import torch
import torch.nn.functional as F

from .canvas import THING
from .clock import Clock
from .judge import CELLS, MOST, NAMES, PAINTS, SIDE, WHOLE, Judge, fine_areas
from .render import render
from .scene import FIRST, FULL, Scene, draw_scene
from .styles import STYLES, stylise

FRESH, AGAIN, KEPT = 24, 2, 150
"""New pictures of a step, how many earlier steps are seen again, and how many are kept."""
IGNORED = -1


@dataclass
class Example:
    """Pictures [B, 3, 128, 128] with the right answer of every head, -1 where there is none."""

    pictures: torch.Tensor
    answers: dict[str, torch.Tensor]

    def rows(self, chosen: torch.Tensor) -> Example:
        """Some of the pictures."""
        return Example(self.pictures[chosen], {k: v[chosen] for k, v in self.answers.items()})

    def join(self, other: Example) -> Example:
        """Both."""
        joined = {k: torch.cat([v, other.answers[k]]) for k, v in self.answers.items()}
        return Example(torch.cat([self.pictures, other.pictures]), joined)


def _cells(label: torch.Tensor, scene: Scene) -> tuple[torch.Tensor, torch.Tensor]:
    """The thing (0: none) and the paint in each cell [16, 16]; unclear cells are ignored."""
    slots = torch.stack([(label == THING + slot).float() for slot in range(MOST)])
    share, slot = F.avg_pool2d(slots, label.shape[-1] // CELLS).max(0)
    kinds = [NAMES.index(t.subject) + 1 for t in scene.things] + [0] * MOST
    paints = [PAINTS.index(t.colour) if t.colour else IGNORED for t in scene.things]
    thing = torch.tensor(kinds)[slot]
    thing = thing.where(share > 0.4, torch.where(share < 0.12, 0, IGNORED))
    paint = torch.tensor([*paints, *[IGNORED] * MOST])[slot]
    return thing, paint.where(share > 0.4, IGNORED)


def answers_of(
    scenes: list[Scene], label: torch.Tensor, styles: list[str]
) -> dict[str, torch.Tensor]:
    """What every head of the judge should say of these scenes, given their label maps."""
    whole = {
        "place": [scene.place for scene in scenes],
        "time": [scene.time for scene in scenes],
        "style": styles,
        "count": [str(len(scene.things)) for scene in scenes],
    }
    answers = {k: torch.tensor([WHOLE[k].index(v) for v in values]) for k, values in whole.items()}
    cells = [_cells(*pair) for pair in zip(label, scenes, strict=True)]
    things, paint = (torch.stack(part) for part in zip(*cells, strict=True))
    return {**answers, "things": things, "paint": paint, "areas": fine_areas(label)}


def examples(rng: Random, *, count: int, tier: int, variety: float) -> Example:
    """Fresh pictures: half of the first repertoire, half of the full one, a quarter redrawn.

    Some hold no thing, as after the removal of one; combinations kept for evaluation are allowed.
    """
    scenes = []
    for _ in range(count):
        repertoire = rng.choice((FIRST, FULL))
        scene = draw_scene(
            rng, tier=tier, held=rng.random() < 0.1, variety=variety, repertoire=repertoire
        )
        scenes.append(replace(scene, things=()) if rng.random() < 0.04 else scene)
    pictures, label = (part.clone() for part in render(scenes, size=SIDE))
    styles = ["plain"] * count
    for row in range(0, count, 4):
        styles[row] = rng.choice(STYLES)
        pictures[row : row + 1] = stylise(pictures[row : row + 1], styles[row])
    return Example(pictures, answers_of(scenes, label, styles))


def _mirrored(some: Example) -> Example:
    maps = {key: some.answers[key].flip(-1) for key in ("things", "paint", "areas")}
    return Example(some.pictures.flip(-1), some.answers | maps)


def worsen(pictures: torch.Tensor) -> torch.Tensor:
    """Blur and noise of a random strength, so that soft pictures are judged by what they show."""
    soft = pictures
    for _ in range(2):
        soft = F.avg_pool2d(soft, 3, 1, 1, count_include_pad=False)
    share = torch.rand(len(pictures), 1, 1, 1)
    noise = 0.06 * torch.rand(len(pictures), 1, 1, 1) * torch.randn_like(pictures)
    return torch.lerp(pictures, soft, share) + noise


def loss_of(scores: dict[str, torch.Tensor], answers: dict[str, torch.Tensor]) -> torch.Tensor:
    """The sum over all heads; cells without a thing weigh a tenth of the others."""
    weight = torch.ones(len(NAMES) + 1)
    weight[0] = 0.1
    total = torch.zeros(())
    for key, right in answers.items():
        if not (right != IGNORED).any():
            continue
        known = weight if key == "things" else None
        loss = F.cross_entropy(scores[key], right, known, ignore_index=IGNORED)
        total = total + loss * (2.0 if key == "things" else 1.0)
    return total


class Memory:
    """The pictures of the last steps, as bytes, to see again."""

    def __init__(self) -> None:
        self.kept: deque[Example] = deque(maxlen=KEPT)

    def mix(self, fresh: Example) -> Example:
        """Fresh pictures and some kept ones; the fresh ones are kept from now on."""
        some = fresh
        for _ in range(AGAIN if self.kept else 0):
            old = self.kept[int(torch.randint(len(self.kept), ()))]
            rows = torch.randperm(len(old.pictures))[: FRESH * 5 // 6]
            chosen = old.rows(rows)
            some = some.join(replace(chosen, pictures=chosen.pictures.float() / 255))
        bytes_ = (fresh.pictures * 255).round().to(torch.uint8)
        self.kept.append(replace(fresh, pictures=bytes_))
        return some


def train_judge(path: Path, *, minutes: float, tier: int, variety: float, seed: int = 0) -> Judge:
    """Train for `minutes` of computing and save."""
    torch.manual_seed(seed)
    judge, rng, memory = Judge(), Random(f"judge/{seed}"), Memory()
    optimiser = torch.optim.AdamW(judge.parameters(), 2e-3, weight_decay=0.02)
    clock, step = Clock(minutes), 0
    while clock.share < 1:
        some = memory.mix(examples(rng, count=FRESH, tier=tier, variety=variety))
        if rng.random() < 0.5:
            some = _mirrored(some)
        optimiser.param_groups[0]["lr"] = 2e-3 * min(1.0, (step + 1) / 30, 1.5 * (1 - clock.share))
        loss = loss_of(judge(worsen(some.pictures)), some.answers)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(judge.parameters(), 1.0)
        optimiser.step()
        step += 1
        if step % 20 == 0:
            print(f"{step} {clock.spent:.1f}m loss {float(loss.detach()):.3f}", flush=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(judge.eval().state_dict(), path)
    return judge
