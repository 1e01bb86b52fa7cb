"""Postcard, the small text-to-picture model that ships inside: package data and nothing else.

It knows no torch and no diffusers; whoever loads the directory does.
"""

from pathlib import Path

__all__ = ["path"]


def path() -> Path:
    """The model as a diffusers directory (`FluxPipeline`, bf16, 256x256), with `serving.json`."""
    return Path(__file__).with_name("model")
