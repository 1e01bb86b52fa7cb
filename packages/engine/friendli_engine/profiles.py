"""Measured profiles of networks, kept on disk for the next start on the same machine.

A profile holds for one device, torch build and number of threads, one network and one shape of
call; anything else is measured anew. A file that cannot be read or written is as good as none.
"""

from __future__ import annotations

import hashlib
import logging
import os
import platform
from pathlib import Path
from typing import Any

import diffusers
import msgspec
import torch

from .knee import Limits, Profile, measure
from .network import ParkedCall

log = logging.getLogger(__name__)


class Saved(msgspec.Struct):
    """What is worth keeping of a profile."""

    seconds: dict[int, float]
    equal: set[int]
    knee: int


class Profiles:
    """Profiles by kind of call: from memory, from disk, or measured now.

    Args:
        limits: see `knee.measure`.
        device: where the networks live.
        home: directory of the files; None keeps nothing.
    """

    def __init__(self, limits: Limits, device: torch.device, home: Path | None = None) -> None:
        self._limits = limits
        self._known: dict[Any, Profile] = {}
        self._lowered = False
        self._path = home and home / f"knees-{_digest(fingerprint(device))}.json"
        self._saved = self._read()

    def shrink(self, call: ParkedCall, rows: int) -> None:
        """A forward of calls like this one, with `rows` in all, did not fit into memory."""
        if profile := self._known.get(call.key):
            profile.shrink(rows)
            self._lowered = True

    def grow(self, call: ParkedCall) -> None:
        """A forward of calls like this one went well."""
        if self._lowered and (profile := self._known.get(call.key)):
            profile.grow()

    def of(self, call: ParkedCall) -> Profile:
        """The profile of calls like this one; measured when first met on this machine."""
        if call.key not in self._known:
            name = self._name(call)
            if saved := self._saved.get(name):
                profile = Profile(saved.seconds, saved.equal, saved.knee)
            else:
                profile = measure(call.network.replicas(call), self._limits)
                if not profile.broken:
                    self._save(name, profile)
            profile.network, profile.shape = call.network.name, call.shape
            profile.denoiser = call.network.denoiser
            self._known[call.key] = profile
        return self._known[call.key]

    def all(self) -> list[Profile]:
        """Every profile met since the start."""
        return list(self._known.values())

    def _name(self, call: ParkedCall) -> str:
        """What a call's profile depends on, beside the machine."""
        owner = call.network.owner
        what = (call.network.name, getattr(owner, "config", ""), owner.dtype, self._limits)
        return _digest(f"{what} {call.likeness}")

    def _read(self) -> dict[str, Saved]:
        try:
            content = self._path.read_bytes() if self._path else b"{}"
            return msgspec.json.decode(content, type=dict[str, Saved])
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.DecodeError):
            log.warning("The measurements in %s are unreadable and are made anew.", self._path)
            return {}

    def _save(self, name: str, profile: Profile) -> None:
        if not self._path:
            return
        self._saved = self._read() | self._saved  # another process may have added some
        self._saved[name] = Saved(profile.seconds, profile.equal, profile.knee)
        new = self._path.with_suffix(f".{os.getpid()}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            new.write_bytes(msgspec.json.encode(self._saved))
            new.replace(self._path)
        except OSError:
            log.warning("Measurements cannot be kept in %s.", self._path.parent)
            self._path = None


def fingerprint(device: torch.device) -> str:
    """What kernels depend on: processor, threads, and the builds of torch and diffusers."""
    where = platform.machine()
    if device.type == "cuda":
        where = torch.cuda.get_device_name(device)
    elif device.type == "cpu":
        where = f"{_processor()} {torch.backends.cpu.get_cpu_capability()}"
    threads = torch.get_num_threads()
    return f"{device.type} {where} {threads} {torch.__version__} {diffusers.__version__}"


def _processor() -> str:
    table = Path("/proc/cpuinfo")
    lines = table.read_text().splitlines() if table.is_file() else []
    names = [line for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()
