"""The judge: one small network that says what is where in a picture, trained on renders only.

It maps a picture to things and their paint on a 16x16 grid, areas on a 32x32 grid, and the place,
time, style and number of things of the whole. It knows nothing of the model it judges; being a
network itself, it is kinder than the eye.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F

from .canvas import THING
from .scene import Scene, Thing
from .styles import STYLES
from .subjects import ALL_PLACES, ALL_TIMES, COLOURS, SUBJECTS

SIDE, CELLS, FINE = 128, 16, 32
MOST = 3
NAMES, PAINTS = tuple(SUBJECTS), tuple(COLOURS)
WHOLE: dict[str, tuple[str, ...]] = {
    "place": ALL_PLACES,
    "time": ALL_TIMES,
    "style": ("plain", *STYLES),
    "count": tuple(str(number) for number in range(MOST + 1)),
}
PRESENT = 1.2
"""Cells that a thing must fill to be there: the smallest that is drawn fills about four."""
ASIDE = 0.03
"""How far apart, of the picture, centres must be to be left of or in front of another."""


def _block(wide_in: int, wide: int, stride: int = 2) -> torch.nn.Sequential:
    conv = torch.nn.Conv2d(wide_in, wide, 3, stride=stride, padding=1, bias=False)
    return torch.nn.Sequential(conv, torch.nn.BatchNorm2d(wide), torch.nn.ReLU())


class Judge(torch.nn.Module):
    """Five strided convolutions down to 4x4, two side ways up; a linear head for each answer."""

    def __init__(self) -> None:
        super().__init__()
        self.down = torch.nn.ModuleList(
            _block(a, b) for a, b in itertools.pairwise((3, 24, 48, 96, 160, 192))
        )
        self.context = torch.nn.ModuleList(
            (torch.nn.Conv2d(160, 96, 1), torch.nn.Conv2d(192, 96, 1))
        )
        self.cell = _block(96, 128, stride=1)
        self.fine = _block(48 + 32, 40, stride=1)
        self.to_fine = torch.nn.Conv2d(128, 32, 1)
        self.things = torch.nn.Conv2d(128, len(NAMES) + 1, 1)
        self.paint = torch.nn.Conv2d(128, len(PAINTS), 1)
        self.areas = torch.nn.Conv2d(40, THING + 1, 1)
        self.whole = torch.nn.ModuleDict(
            {name: torch.nn.Linear(192 * 16, len(table)) for name, table in WHOLE.items()}
        )

    def forward(self, pictures: torch.Tensor) -> dict[str, torch.Tensor]:
        """Scores of pictures [B, 3, R, R] in 0..1: "things", "paint", "areas" and those of `WHOLE`.

        "things" [B, 1 + N, 16, 16] has nothing as its first class; "areas" is [B, 6, 32, 32].
        """
        features = F.interpolate(pictures, size=(SIDE, SIDE), mode="area") * 2 - 1
        stages = []
        for block in self.down:
            features = block(features)
            stages.append(features)
        cells = stages[2]
        for conv, deep in zip(self.context, stages[3:], strict=True):
            cells = cells + F.interpolate(conv(deep), size=CELLS, mode="bilinear")
        cells = self.cell(F.relu(cells))
        near = F.interpolate(self.to_fine(cells), size=FINE, mode="bilinear")
        fine = self.fine(torch.cat([stages[1], near], 1))
        whole = {name: head(features.flatten(1)) for name, head in self.whole.items()}
        return {
            "things": self.things(cells),
            "paint": self.paint(cells),
            "areas": self.areas(fine),
            **whole,
        }


class Findings:
    """What the judge sees in a batch of pictures [B, 3, R, R] in 0..1."""

    @torch.inference_mode()
    def __init__(
        self, judge: Callable[[torch.Tensor], dict[str, torch.Tensor]], pictures: torch.Tensor
    ) -> None:
        scores = [judge(part) for part in torch.split(pictures, 32)]
        self.scores = {key: torch.cat([part[key] for part in scores]) for key in scores[0]}
        self.shown = self.scores["things"].softmax(1)[:, 1:]
        self.filled = self.shown.sum((2, 3))

    def said(self, name: str, row: int) -> str:
        """The answer of one of the `WHOLE` heads for a picture."""
        return WHOLE[name][int(self.scores[name][row].argmax())]

    def present(self, row: int, subject: str) -> bool:
        """Whether such a thing is in the picture."""
        return bool(self.filled[row, NAMES.index(subject)] >= PRESENT)

    def leading(self, row: int, count: int) -> set[str]:
        """The names of the `count` things that fill the most."""
        return {NAMES[int(i)] for i in self.filled[row].topk(count).indices}

    def centre(self, row: int, subject: str) -> tuple[float, float]:
        """Where the thing is: across and down, in 0..1."""
        weight = self.shown[row, NAMES.index(subject)]
        steps = (torch.arange(CELLS) + 0.5) / CELLS
        total = weight.sum().clamp(min=1e-6)
        return float((weight.sum(0) * steps).sum() / total), float(
            (weight.sum(1) * steps).sum() / total
        )

    def paint(self, row: int, subject: str) -> str:
        """The paint of the thing, of the eleven."""
        weight = self.shown[row, NAMES.index(subject)]
        votes = (self.scores["paint"][row].log_softmax(0) * weight).sum((1, 2))
        return PAINTS[int(votes.argmax())]

    def areas(self, row: int) -> torch.Tensor:
        """The area of each cell of the fine grid [32, 32]."""
        return self.scores["areas"][row].argmax(0)


def fine_areas(label: torch.Tensor) -> torch.Tensor:
    """The area in the middle of each cell of the fine grid [B, 32, 32], of label maps [B, R, R]."""
    step = label.shape[-1] // FINE
    return label[:, step // 2 :: step, step // 2 :: step].long().clamp(max=THING)


def related(findings: Findings, row: int, first: Thing, second: Thing, relation: str) -> bool:
    """Whether the first thing stands to the second as asked."""
    (x1, y1), (x2, y2) = (findings.centre(row, thing.subject) for thing in (first, second))
    return {
        "left of": x1 < x2 - ASIDE,
        "right of": x1 > x2 + ASIDE,
        "behind": y1 < y2 - ASIDE,
    }.get(relation, abs(x1 - x2) > ASIDE)


def verdict(findings: Findings, row: int, scene: Scene) -> dict[str, bool]:
    """Which of the things that the scene asks for are so; only what it asks for has a key."""
    things = scene.things
    leading = findings.leading(row, max(1, len(things)))
    found = {
        "subject": all(thing.subject in leading for thing in things),
        "place": findings.said("place", row) == scene.place,
        "time": findings.said("time", row) == scene.time,
        "count": findings.said("count", row) == str(len(things)),
    }
    painted = [thing for thing in things if thing.colour]
    if painted:
        found["colour"] = all(findings.paint(row, t.subject) == t.colour for t in painted)
        found["subject and colour"] = found["subject"] and found["colour"]
    if scene.relation:
        found["relation"] = found["subject"] and related(
            findings, row, things[0], things[1], scene.relation
        )
    found["all"] = all(hit for key, hit in found.items() if key != "count")
    return found


def load_judge(path: Path) -> Judge:
    """A trained judge, ready to use."""
    judge = Judge()
    judge.load_state_dict(torch.load(path, weights_only=True))
    return judge.eval()
