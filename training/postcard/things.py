"""Things on a canvas: painted, scaled, lit, with their shadows and their lights.

It draws one thing into one picture. It knows places only as light.
"""

from __future__ import annotations

from functools import cache

import torch
import torch.nn.functional as F

from .atlas import Sprite, load
from .canvas import THING, Canvas
from .lights import LIGHTS, Lights, lit
from .scene import Scene, Thing
from .subjects import COLOURS, SUBJECTS

_LIFT = {"day": 0.7, "sunset": 0.9, "night": 0.62, "rain": 0.75, "snowfall": 0.9}
"""How far things are lifted from the light of the scene to full light."""
_SHINING = {"night": 1.0, "rain": 0.55}
"""How strongly lights shine, from the second finish on."""
_WARM = (1.0, 0.84, 0.50)


def _painted(sprite: Sprite, colour: str | None) -> torch.Tensor:
    """Premultiplied colours and coverage [4, 256, 256] with the paint laid on."""
    rgb, alpha = sprite.rgba[:3], sprite.rgba[3:]
    if colour is not None:
        base = torch.tensor(COLOURS[colour])[:, None, None]
        shine = (sprite.shade - 1.05).clamp(min=0) * 0.8
        rgb = rgb + ((base * sprite.shade + shine).clamp(0, 1) - rgb) * sprite.mask
    return torch.cat([rgb * alpha, alpha])


@cache
def _lit(subject: str) -> torch.Tensor:
    return lit(load()[subject].rgba, LIGHTS[subject])


def _spot(canvas: Canvas, *numbers: float) -> torch.Tensor:
    """One Gaussian spot (x, y, wide, high) [R, R]."""
    x, y, wide, high = torch.tensor(numbers).to(canvas.rgb.device).view(4, 1, 1)
    return canvas.blobs(x, y, wide, high)[0]


def _shadow(canvas: Canvas, index: int, thing: Thing, *, finish: int) -> None:
    sea = SUBJECTS[thing.subject].habitat == "sea"
    if not sea:
        soft = _spot(canvas, thing.x, thing.base - 0.01, thing.size * 0.40, thing.size * 0.064)
        canvas.rgb[index] *= 1 - 0.45 * soft
    if finish > 1:
        wide, high = thing.size * (0.42 if sea else 0.30), thing.size * 0.028
        canvas.rgb[index] *= 1 - 0.35 * _spot(canvas, thing.x, thing.base - 0.004, wide, high)


def _light(canvas: Canvas, index: int, time: str) -> torch.Tensor:
    ambient = canvas.ambient[index]
    return ambient + (1 - ambient) * _LIFT[time]


def _stamp(canvas: Canvas, index: int, thing: Thing, *, slot: int, time: str, shine: float) -> None:
    """Lay one sprite over picture `index`, its foot at `thing.base`."""
    sprite = load()[thing.subject]
    side = max(8, round(thing.size * canvas.size))
    layers = _painted(sprite, thing.colour)
    if shine:
        layers = torch.cat([layers, _lit(thing.subject)])
    tile = F.interpolate(layers[None], size=(side, side), mode="bilinear", antialias=True)[0]
    tile = tile.flip(-1) if thing.flip else tile
    left = round(thing.x * canvas.size - side / 2)
    top = round(thing.base * canvas.size - side * sprite.foot)
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + side, canvas.size), min(top + side, canvas.size)
    tile = tile[:, y0 - top : y1 - top, x0 - left : x1 - left].to(canvas.rgb.device)
    window = canvas.rgb[index, :, y0:y1, x0:x1]
    window *= 1 - tile[3:4]
    window += tile[:3] * _light(canvas, index, time)
    if shine:
        window += (canvas.plain(_WARM)[0] - window) * tile[4:] * shine
    canvas.label[index, y0:y1, x0:x1].masked_fill_(tile[3] > 0.5, THING + slot)


def _shine(canvas: Canvas, index: int, thing: Thing, lights: Lights, *, shine: float) -> None:
    """The glow around lit windows and lamps, and the beam of headlights."""
    sprite, side = load()[thing.subject], -1.0 if thing.flip else 1.0
    warm = canvas.plain(_WARM)[0] * shine

    def at(x: float, y: float) -> tuple[float, float]:
        return thing.x + side * (x - 0.5) * thing.size, thing.base + (y - sprite.foot) * thing.size

    for left, top, right, bottom in lights.windows:
        wide, high = (right - left) * thing.size, (bottom - top) * thing.size
        spot = _spot(canvas, *at((left + right) / 2, (top + bottom) / 2), 0.8 * wide, 1.1 * high)
        canvas.rgb[index] += 0.16 * spot * warm
    for x, y, radius in lights.lamps:
        reach = radius * thing.size
        canvas.rgb[index] += 0.75 * _spot(canvas, *at(x, y), reach, reach) * warm
        canvas.rgb[index] += 0.25 * _spot(canvas, *at(x, y), 3 * reach, 3 * reach) * warm
    if lights.beam:
        x, y = at(lights.lamps[0][0] - 0.30, sprite.foot)
        beam = _spot(canvas, x, y - 0.01, 0.30 * thing.size, 0.07 * thing.size)
        canvas.rgb[index] += 0.38 * beam * warm


def draw_things(canvas: Canvas, index: int, scene: Scene) -> None:
    """All things of a scene into picture `index`, the first one behind the others."""
    for slot, thing in enumerate(scene.things):
        lights = LIGHTS.get(thing.subject) if scene.finish > 1 else None
        shine = _SHINING.get(scene.time, 0.0) if lights else 0.0
        grounded = SUBJECTS[thing.subject].habitat != "sky" and scene.place != "underwater"
        if SUBJECTS[thing.subject].habitat == "land" or (scene.finish > 1 and grounded):
            _shadow(canvas, index, thing, finish=scene.finish)
        _stamp(canvas, index, thing, slot=slot, time=scene.time, shine=shine)
        if lights and shine:
            _shine(canvas, index, thing, lights, shine=shine)
