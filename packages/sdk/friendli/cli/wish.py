"""What a person asks for, and what came of it: plain data that can be kept and asked again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self


@dataclass(frozen=True, kw_only=True)
class Wish:
    """One picture. None leaves a choice to the server; pictures are paths or URLs."""

    prompt: str
    image: tuple[str, ...] = ()
    """Pictures to edit; empty for text to picture."""
    mask: tuple[str, ...] = ()
    """Where to paint into the one picture: one at most."""
    steps: int | None = None
    guidance: float | None = None
    seed: int | None = None
    model: str | None = None
    """Route of an adapter; None is the base model."""
    control: tuple[str, ...] = ()
    weight: tuple[float, ...] = ()

    def preferring(self, model: Mapping[str, Any]) -> Self:
        """Steps and guidance that were not given as the model likes them, where it says so."""
        likes = model.get("defaults") or {}
        return replace(
            self,
            steps=self.steps if self.steps is not None else likes.get("num_inference_steps"),
            guidance=self.guidance if self.guidance is not None else likes.get("guidance_scale"),
        )

    def fields(self) -> dict[str, Any]:
        """Arguments for the SDK's `stream`."""
        given = {
            "prompt": self.prompt,
            "image": list(self.image),
            "mask": next(iter(self.mask), None),
            "num_inference_steps": self.steps,
            "guidance_scale": self.guidance,
            "seed": self.seed,
            "model": self.model,
            "control_images": list(self.control),
            "controlnet_weights": list(self.weight),
        }
        return {name: value for name, value in given.items() if value not in (None, [])}

    def to_json(self) -> dict[str, Any]:
        """What `from_json` reads."""
        return {name: value for name, value in asdict(self).items() if value not in (None, ())}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self:
        """The wish that was kept."""
        given: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in kept.items()
        }
        return cls(**given)


@dataclass(frozen=True, kw_only=True)
class Made:
    """A picture that came: `wish` with the seed that was used."""

    wish: Wish
    content: bytes
    """A JPEG file, or row-major RGB8 if `raw`."""
    raw: bool
    width: int
    height: int
    seconds: float
    server: str
    model: str
    """The base model's id, as far as the server tells."""
