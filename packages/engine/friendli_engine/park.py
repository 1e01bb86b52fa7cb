"""Which parts of a model park its requests. Knows pipelines' component names, not requests.

Denoisers, ControlNets and plain text encoders park and share forwards. The VAE parks alone, picture
by picture: its small convolutions choose other kernels for other batch sizes, and some VAEs keep
state between their own layers' calls. Everything else runs inside the request, undivided.
"""

from __future__ import annotations

import sys
from inspect import getsource
from typing import Any

import torch

from .model import Model
from .network import SharedNetwork

DENOISERS = ("transformer", "transformer_2", "unet", "prior")
PLAIN_ENCODERS = frozenset({"CLIPTextModel", "CLIPTextModelWithProjection", "T5EncoderModel"})


def park_networks(model: Model) -> list[SharedNetwork]:
    """Replace the forwards of the model's networks by parking ones, each network once."""
    parts = {id(part): (name, part) for p in model.pipelines.values() for name, part in _parts(p)}
    casts = any(map(_casts_its_vae, model.pipelines.values()))
    networks = [n for name, part in parts.values() for n in _network(name, part, casts=casts)]
    if model.device.type == "cpu" and model.dtype == torch.float32:
        for network in networks:
            if not network.solo:
                network.keep_small_products_apart()
    return networks


def _parts(pipeline: Any) -> list[tuple[str, Any]]:
    """A pipeline's components; several ControlNets are parts of their own."""
    found = [(name, part) for name, part in pipeline.components.items() if part is not None]
    nets = [
        net for name, part in found if name == "controlnet" for net in getattr(part, "nets", ())
    ]
    inner = [("controlnet", net) for net in nets]
    return inner + [(name, part) for name, part in found if not (nets and name == "controlnet")]


def _casts_its_vae(pipeline: Any) -> bool:
    """Stable Diffusion XL's do, to float32 around its use and back: nothing may come between."""
    dtype = getattr(getattr(pipeline, "vae", None), "dtype", torch.float32)
    source = getsource(sys.modules[type(pipeline).__module__])
    return dtype != torch.float32 and "vae.to(" in source


def _network(name: str, part: Any, *, casts: bool) -> list[SharedNetwork]:
    if name in DENOISERS:
        return [SharedNetwork(part, stepping=True, denoiser=True)]
    if name == "controlnet":
        return [SharedNetwork(part, stepping=True)]
    if type(part).__name__ in PLAIN_ENCODERS:
        return [SharedNetwork(part)]
    if name == "vae" and not casts:
        return [SharedNetwork(part, method=m, solo=True) for m in ("encode", "decode")]
    return []
