"""What each model family calls things: one record per family. Knows names and numbers, no tensors.

A family is recognised by the pipeline class that its `model_index.json` names. A pipeline without a
record runs with what its signature tells.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A distilled relative with the same pipeline class, told by one entry of a configuration."""

    component: str = ""
    """Whose configuration; empty for the pipeline's own."""
    key: str
    value: object
    changes: Mapping[str, Any]
    """Fields of the family's record that it has otherwise."""


@dataclass(frozen=True, kw_only=True)
class Family:
    """How the API's fields map to a family's pipelines."""

    name: str
    generate: str | None = None
    """Pipeline class for text to picture; None if the family only edits."""
    control: str | None = None
    """Pipeline class that takes ControlNets."""
    edit: str | None = None
    """Pipeline class that takes pictures to edit."""
    inpaint: str | None = None
    """Pipeline class that takes one picture and a mask of what to paint anew."""
    several: Literal["none", "list", "strip"] = "none"
    """How it takes several pictures: not, as a list, or side by side in one picture."""
    guidance: str = "guidance_scale"
    """The argument that the request's guidance becomes."""
    embedded: bool = False
    """Guidance is an input of the network, not a second row: 0 means the model's default."""
    negative_prompt: str | None = None
    """Needed by families whose guidance has no effect without one."""
    control_image: str = "image"
    control_modes: tuple[str, ...] = ()
    """What a union ControlNet can be asked to follow; the index is its number for it."""
    width: int = 1024
    height: int = 1024
    multiple: int = 16
    max_pixels: int = 2048 * 2048
    steps: int = 28
    default_guidance: float = 3.5
    fixed: dict[str, object] = field(default_factory=dict)
    """Arguments that every request of the family passes."""
    variants: tuple[Variant, ...] = ()


FLUX_MODES = ("canny", "tile", "depth", "blur", "pose", "gray", "lq")  # of InstantX and Shakker
SCHNELL = Variant(
    component="transformer",
    key="guidance_embeds",
    value=False,
    changes={"steps": 4, "default_guidance": 0.0},
)
KLEIN_BASE = Variant(
    key="is_distilled", value=False, changes={"steps": 50, "default_guidance": 4.0}
)
SDXL_TURBO = Variant(
    component="unet",
    key="sample_size",
    value=64,
    changes={
        "steps": 1, "default_guidance": 0.0, "width": 512, "height": 512, "max_pixels": 1024 * 1024
    },
)  # fmt: skip

FAMILIES = (
    Family(  # dev and Krea, which differ in nothing but their weights; sizes do not share forwards
        name="flux",
        generate="FluxPipeline",
        control="FluxControlNetPipeline",
        inpaint="FluxInpaintPipeline",
        embedded=True,
        control_image="control_image",
        control_modes=FLUX_MODES,
        variants=(SCHNELL,),
    ),
    Family(
        name="flux-kontext",
        generate="FluxKontextPipeline",
        control="FluxControlNetPipeline",
        edit="FluxKontextPipeline",
        inpaint="FluxKontextInpaintPipeline",
        several="strip",
        embedded=True,
        control_image="control_image",
        control_modes=FLUX_MODES,
        fixed={"_auto_resize": False},
    ),
    Family(
        name="flux2",
        generate="Flux2Pipeline",
        edit="Flux2Pipeline",
        several="list",
        embedded=True,
        steps=50,
        default_guidance=4.0,
    ),
    Family(
        name="flux2-klein",
        generate="Flux2KleinPipeline",
        edit="Flux2KleinPipeline",
        inpaint="Flux2KleinInpaintPipeline",
        several="list",
        steps=4,
        default_guidance=1.0,
        variants=(KLEIN_BASE,),
    ),
    Family(
        name="sd3",
        generate="StableDiffusion3Pipeline",
        control="StableDiffusion3ControlNetPipeline",
        control_image="control_image",
        default_guidance=7.0,
    ),
    Family(
        name="sdxl",
        generate="StableDiffusionXLPipeline",
        control="StableDiffusionXLControlNetPipeline",
        inpaint="StableDiffusionXLInpaintPipeline",
        multiple=8,
        steps=30,
        default_guidance=5.0,
        variants=(SDXL_TURBO,),
    ),
    Family(
        name="sd15",
        generate="StableDiffusionPipeline",
        control="StableDiffusionControlNetPipeline",
        inpaint="StableDiffusionInpaintPipeline",
        width=512,
        height=512,
        multiple=8,
        max_pixels=1024 * 1024,
        steps=30,
        default_guidance=7.5,
    ),
    Family(
        name="instruct-pix2pix",
        edit="StableDiffusionInstructPix2PixPipeline",
        width=512,
        height=512,
        multiple=8,
        max_pixels=1024 * 1024,
        steps=30,
        default_guidance=7.5,
    ),
    Family(  # prompts share forwards only with prompts of as many tokens
        name="qwen-image",
        generate="QwenImagePipeline",
        control="QwenImageControlNetPipeline",
        inpaint="QwenImageInpaintPipeline",
        guidance="true_cfg_scale",
        negative_prompt=" ",
        control_image="control_image",
        steps=50,
        default_guidance=4.0,
    ),
    Family(  # given pictures are encoded at a megapixel, whatever the output's size
        name="qwen-image-edit",
        edit="QwenImageEditPipeline",
        guidance="true_cfg_scale",
        negative_prompt=" ",
        steps=50,
        default_guidance=4.0,
    ),
    Family(
        name="qwen-image-edit-plus",
        edit="QwenImageEditPlusPipeline",
        several="list",
        guidance="true_cfg_scale",
        negative_prompt=" ",
        steps=40,
        default_guidance=4.0,
    ),
    Family(
        name="z-image",
        generate="ZImagePipeline",
        inpaint="ZImageInpaintPipeline",
        steps=8,
        default_guidance=0.0,
    ),
    Family(name="chroma", generate="ChromaPipeline", steps=35, default_guidance=5.0),
    Family(
        name="sana",
        generate="SanaPipeline",
        multiple=32,
        steps=20,
        default_guidance=4.5,
        fixed={"use_resolution_binning": False},
    ),
    Family(
        name="pixart-sigma",
        generate="PixArtSigmaPipeline",
        steps=20,
        default_guidance=4.5,
        fixed={"use_resolution_binning": False, "clean_caption": False},
    ),
)


def family_of(pipeline_class: str) -> Family | None:
    """The record whose models name `pipeline_class`; None if there is none."""
    records = (f for f in FAMILIES if pipeline_class == (f.generate or f.edit))
    return next(records, None)


def fitted(family: Family, configurations: Mapping[str, Mapping[str, Any]]) -> Family:
    """The record with the changes of the variant that the configurations, by component, show."""
    for variant in family.variants:
        if configurations.get(variant.component, {}).get(variant.key) == variant.value:
            return replace(family, **variant.changes)
    return family
