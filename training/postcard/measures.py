"""What a model directory can do, in numbers: rows of shares and decibels, each a plain dict.

Asked scenes are held-out combinations or others, pictures come from fixed seeds, and every measure
also has its ceiling: the same judged on renders. It trains nothing and draws nothing.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from random import Random
from statistics import mean
from typing import Any

import torch
import torch.nn.functional as F

from .captions import prompt
from .controls import edges3, layout
from .edits import KINDS, Edit, draw_edit, instruction
from .judge import Findings, Judge, fine_areas, verdict
from .pipelines import Model, coded, control, edit, generate
from .render import render
from .scene import FIRST, Repertoire, Scene, Thing, draw_scene
from .styles import stylise

Row = dict[str, Any]
TOLERANCE, NEAR = 2, 8
"""Pixels: how far an outline may be off, and how far around a change is not compared."""


def scenes_of(
    count: int, *, held: bool, tier: int, repertoire: Repertoire = FIRST, variety: float = 0.7
) -> list[Scene]:
    """The same scenes each time."""
    rng = Random(f"evaluate/{held}")
    return [
        draw_scene(rng, tier=tier, held=held, variety=variety, repertoire=repertoire)
        for _ in range(count)
    ]


def shares(verdicts: Sequence[dict[str, bool]]) -> Row:
    """The share of the asked that is so, for each thing asked; `None` where nothing was asked."""
    hits: defaultdict[str, list[bool]] = defaultdict(list)
    for found in verdicts:
        for key, hit in found.items():
            hits[key].append(hit)
    return {key: round(mean(values), 3) for key, values in hits.items()}


def judged(judge: Judge, pictures: torch.Tensor, scenes: Sequence[Scene]) -> Row:
    """Shares of right attributes of pictures [N, 3, R, R]."""
    findings = Findings(judge, pictures)
    return shares([verdict(findings, row, scene) for row, scene in enumerate(scenes)])


def attributes(
    model: Model,
    judge: Judge,
    *,
    scenes: dict[str, list[Scene]],
    steps: Sequence[int],
    guidance: Sequence[float],
) -> Iterator[Row]:
    """One row for the renders of each named set of scenes and one for each way to sample."""
    for name, some in scenes.items():
        base = {"measure": "attributes", "scenes": name, "pictures": len(some)}
        yield base | {"of": "renders"} | judged(judge, render(some)[0], some)
        prompts = [prompt(scene) for scene in some]
        for step in steps:
            for strength in guidance:
                made = generate(model.plain, prompts, steps=step, guidance=strength)
                found = judged(judge, made, some)
                yield base | {"of": "model", "steps": step, "guidance": strength} | found


def _only(one: Scene, other: Scene) -> list[Thing]:
    return [thing for thing in one.things if thing not in other.things]


def obeyed(findings: Findings, row: int, change: Edit) -> bool:
    """Whether the asked change is there and every thing that should stay is still there."""
    before, after = change.before, change.after
    for thing in after.things:
        if not findings.present(row, thing.subject):
            return False
    if change.kind in ("time", "place"):
        return findings.said(change.kind, row) == str(getattr(after, change.kind))
    kinds = {thing.subject for thing in after.things}
    gone = [t for t in _only(before, after) if t.subject not in kinds]
    fresh = [t for t in _only(after, before) if t.colour]
    return not any(findings.present(row, t.subject) for t in gone) and all(
        findings.paint(row, t.subject) == t.colour for t in fresh
    )


def kept(made: torch.Tensor, before: torch.Tensor, after: torch.Tensor) -> float:
    """PSNR in dB against the picture before, away from where the renders differ."""
    differs = ((before - after).abs().amax(0) > 0.02).float()[None, None]
    away = F.max_pool2d(differs, 2 * NEAR + 1, 1, NEAR)[0, 0] == 0
    if not away.any():
        return float("nan")
    return float(-10 * (made - before)[:, away].square().mean().clamp(min=1e-10).log10())


def _edit_row(
    judge: Judge,
    changes: Sequence[Edit],
    made: torch.Tensor,
    pair: tuple[torch.Tensor, torch.Tensor],
) -> Row:
    findings, row = Findings(judge, made), {}
    for kind in KINDS:
        rows = [i for i, change in enumerate(changes) if change.kind == kind]
        row[kind] = round(mean(obeyed(findings, i, changes[i]) for i in rows), 3)
    row["all"] = round(mean(obeyed(findings, i, c) for i, c in enumerate(changes)), 3)
    still = [i for i, c in enumerate(changes) if c.kind not in ("time", "place")]
    decibels = [kept(made[i], pair[0][i], pair[1][i]) for i in still]
    row["kept dB"] = round(mean(value for value in decibels if not math.isnan(value)), 2)
    return row


def edits(
    model: Model,
    judge: Judge,
    *,
    count: int,
    tier: int,
    steps: Sequence[int],
    guidance: Sequence[float],
) -> Iterator[Row]:
    """Edits of every kind, `count` of each: the share obeyed and how well the rest is kept."""
    rng = Random("evaluate/edits")
    changes = [
        draw_edit(rng, tier=tier, held=True, variety=0.7, kind=kind)
        for kind in KINDS
        for _ in range(count)
    ]
    told = [instruction(rng, change) for change in changes]
    before, after = (
        render([getattr(change, side) for change in changes])[0] for side in ("before", "after")
    )
    base = {"measure": "edits", "pictures": len(changes)}
    yield base | {"of": "renders"} | _edit_row(judge, changes, after, (before, after))
    for step in steps:
        for strength in guidance:
            made = edit(model.editing, told, before, steps=step, guidance=strength)
            found = _edit_row(judge, changes, made, (before, after))
            yield base | {"of": "model", "steps": step, "guidance": strength} | found


def edge_f1(made: torch.Tensor, wanted: torch.Tensor) -> float:
    """F1 of outlines [N, 1 or 3, R, R] above one half, each allowed to be two pixels off."""
    one, two = (part[:, :1] > 0.5 for part in (made, wanted))
    reach = 2 * TOLERANCE + 1
    wide_one, wide_two = (
        F.max_pool2d(part.float(), reach, 1, TOLERANCE) > 0 for part in (one, two)
    )
    precision = (one & wide_two).sum((1, 2, 3)) / one.sum((1, 2, 3)).clamp(min=1)
    recall = (two & wide_one).sum((1, 2, 3)) / two.sum((1, 2, 3)).clamp(min=1)
    return float((2 * precision * recall / (precision + recall).clamp(min=1e-6)).mean())


def area_iou(found: torch.Tensor, wanted: torch.Tensor) -> float:
    """Mean over pictures and the areas they should have of intersection over union, [N, 32, 32]."""
    values = []
    for one, two in zip(found, wanted, strict=True):
        for area in torch.unique(two):
            inside = (one == area) & (two == area)
            values.append(float(inside.sum() / ((one == area) | (two == area)).sum()))
    return mean(values)


def _adherence(
    judge: Judge, kind: str, made: torch.Tensor, maps: torch.Tensor, label: torch.Tensor
) -> Row:
    if kind == "edges":
        return {"edge F1": round(edge_f1(edges3(made), maps), 3)}
    findings = Findings(judge, made)
    seen = torch.stack([findings.areas(row) for row in range(len(made))])
    return {"area IoU": round(area_iou(seen, fine_areas(label)), 3)}


def controls(
    model: Model,
    judge: Judge,
    *,
    count: int,
    tier: int,
    steps: int,
    guidance: float,
    weights: Sequence[float],
) -> Iterator[Row]:
    """Adherence to each ControlNet's map by weight, and whether weight 0 is byte-equal to none."""
    scenes = scenes_of(count, held=True, tier=tier)
    prompts = [prompt(scene) for scene in scenes]
    pictures, label = render(scenes)
    none = generate(model.plain, prompts, steps=steps, guidance=guidance)
    bounds = {
        "renders": pictures,
        "renders, coded": coded(model.plain.vae, pictures),
        "no control": none,
    }
    for kind in model.controls:
        maps = {"edges": edges3(pictures), "layout": layout(label)}[kind]
        base = {
            "measure": "controls",
            "map": kind,
            "pictures": count,
            "steps": steps,
            "guidance": guidance,
        }
        for name, some in bounds.items():
            yield base | {"of": name} | _adherence(judge, kind, some, maps, label)
        pipe = model.controlled(kind)
        for weight in weights:
            made = control(pipe, prompts, maps, weight=weight, steps=steps, guidance=guidance)
            row = _adherence(judge, kind, made, maps, label) | judged(judge, made, scenes)
            equal = {"equal to none": torch.equal(made, none)} if weight == 0 else {}
            yield base | {"of": "model", "weight": weight} | row | equal


def adapters(
    model: Model, judge: Judge, *, count: int, tier: int, steps: int, guidance: float
) -> Iterator[Row]:
    """The share of pictures in each adapter's style, and what it costs the subject."""
    scenes = scenes_of(count, held=True, tier=tier)
    prompts, (drawn, _) = [prompt(scene) for scene in scenes], render(scenes)

    def row(name: str, pictures: torch.Tensor) -> Row:
        findings = Findings(judge, pictures)
        style = mean(findings.said("style", i) == name for i in range(count))
        return {"adapter": name, "style": round(style, 3)} | judged(judge, pictures, scenes)

    base = {"measure": "adapters", "pictures": count}
    sampled = {"of": "model", "steps": steps, "guidance": guidance}
    for name in ("plain", *model.adapters):
        true = drawn if name == "plain" else stylise(drawn, name)
        yield base | {"of": "renders"} | row(name, true)
        with model.adapted(name) as pipe:
            made = generate(pipe, prompts, steps=steps, guidance=guidance)
        yield base | sampled | row(name, made)
