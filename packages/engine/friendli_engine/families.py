"""What each model family calls things: one record per family. Knows names and numbers, no tensors.

A family is recognised by the pipeline class that its `model_index.json` names. A pipeline without a
record runs with what its signature tells.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Family:
    """How the API's fields map to a family's pipelines."""

    name: str
    generate: str
    """Pipeline class for text to picture."""
    control: str | None = None
    """Pipeline class that takes ControlNets."""
    edit: str | None = None
    """Pipeline class that takes pictures to edit."""
    variants: frozenset[str] = frozenset()
    """Further pipeline classes that a model of this family may name."""
    guidance: str = "guidance_scale"
    """The argument that the request's guidance becomes."""
    embedded: bool = False
    """Guidance is an input of the network, not a second row: 0 means the model's default."""
    negative_prompt: str | None = None
    """Needed by families whose guidance has no effect without one."""
    control_image: str = "image"
    width: int = 1024
    height: int = 1024
    multiple: int = 16
    max_pixels: int = 2048 * 2048
    steps: int = 28
    default_guidance: float = 3.5
    fixed: dict[str, object] = field(default_factory=dict)
    """Arguments that every request of the family passes."""


FAMILIES = (
    Family(
        name="flux",
        generate="FluxPipeline",
        control="FluxControlNetPipeline",
        embedded=True,
        control_image="control_image",
    ),
    Family(
        name="flux-kontext",
        generate="FluxKontextPipeline",
        edit="FluxKontextPipeline",
        control="FluxControlNetPipeline",
        embedded=True,
        control_image="control_image",
        fixed={"_auto_resize": False},
    ),
)


def family_of(pipeline_class: str) -> Family | None:
    """The record whose models name `pipeline_class`; None if there is none."""
    for family in FAMILIES:
        if pipeline_class == family.generate or pipeline_class in family.variants:
            return family
    return None
