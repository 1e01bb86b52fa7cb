"""What this machine offers the engine: device, dtype, threads, memory, versions.

Findings are `(level, what, found, fix)`, with a level of `ok`, `note` or `fault`. Loads torch.
"""

from __future__ import annotations

import os
from importlib.metadata import version

import torch

from .loading import _device, _dtype

ENOUGH = 4 * 2**30
"""Bytes of memory below which even small models are in danger."""
Finding = tuple[str, str, str, str]


def findings() -> list[Finding]:
    """Everything worth knowing, in the order in which it matters."""
    device = torch.device(_device("auto"))
    return [_versions(), _compute(device), _numbers(device), _memory(device)]


def _versions() -> Finding:
    names = ("torch", "diffusers", "transformers")
    return "ok", "libraries", ", ".join(f"{name} {version(name)}" for name in names), ""


def _compute(device: torch.device) -> Finding:
    if device.type == "cuda":
        return "ok", "device", torch.cuda.get_device_name(device), ""
    found = f"CPU with {torch.get_num_threads()} threads"
    if torch.version.cuda is None and os.path.exists("/proc/driver/nvidia"):  # noqa: PTH110
        fix = "Install torch's CUDA build: uv pip install torch --torch-backend auto"
        return "fault", "device", f"{found}, though there is an NVIDIA GPU", fix
    return "ok", "device", found, ""


def _numbers(device: torch.device) -> Finding:
    dtype = _dtype("auto", device)
    if dtype == "bfloat16":
        return "ok", "dtype", dtype, ""
    found = f"{dtype}: this CPU does not compute in bfloat16"
    return "note", "dtype", found, "Nothing to mend; large models need twice the memory."


def _memory(device: torch.device) -> Finding:
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
    else:
        free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    found = f"{free / 2**30:.1f} GiB free of {total / 2**30:.1f}"
    if total < ENOUGH:
        return "fault", "memory", found, "Serve a small model, or use a machine with more memory."
    return "ok", "memory", found, ""
