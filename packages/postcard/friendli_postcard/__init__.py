"""Postcard, the small text-to-picture model that ships inside: package data and nothing else.

It knows no torch and no diffusers; whoever loads the directory does.
"""

from pathlib import Path

__all__ = ["path"]


def path() -> Path:
    """The model as a diffusers directory (`FluxKontextPipeline`, bf16, 256x256).

    `serving.json`, `controlnets/NAME` and `adapters/NAME.safetensors` lie inside it.
    """
    return Path(__file__).with_name("model")
