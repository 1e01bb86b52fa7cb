"""Bytes that requests hold and their forwards need: measured once per shape, weighed at admission.

A request holds what its parked pipeline keeps alive (embeddings, latents, a ControlNet's residuals,
solver history) and needs, while one of its forwards runs, the activations on top. Knows frames and
allocators; nothing of policy and pipelines.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, Protocol, TypeVar

import torch
from torch.autograd.profiler import profile
from torch.utils import _pytree

from .model import Shape

SHARE = 0.9
"""Of the memory that is free when the engine starts, what requests may use by default."""
UNKNOWN = 1 << 62
"""More than there is: what a system that tells nothing is taken to have."""

# Kineto, the profiler, tells its starts and stops on standard error unless told not to before its
# first use; and it tells an error if that use is not in the thread that imported torch.
os.environ.setdefault("KINETO_LOG_LEVEL", "99")
with profile():
    pass


@dataclass
class Footprint:
    """The bytes of one request of some shape, as far as seen."""

    held: int = 0
    """The most that was alive while it was parked."""
    working: int = 0
    """The most that one of its forwards took on top."""
    pixels: int = 1
    settled: bool = False
    """Whether a whole request was seen."""
    networks: set[Hashable] = field(default_factory=set)
    """Whose forwards were measured."""

    def saw(self, network: Hashable, taken: int) -> None:
        """A forward of `network` took so many bytes for one request."""
        self.networks.add(network)
        self.working = max(self.working, taken)


class Shaped(Protocol):
    """A request, as far as memory is concerned."""

    @property
    def shape(self) -> Shape:
        """Requests of one shape take the same."""


S = TypeVar("S", bound=Shaped)


class Memory:
    """What fits.

    Args:
        device: where the model lives.
        budget: bytes that all requests may take together; None for most of what is free now.
    """

    def __init__(self, device: torch.device, budget: int | None = None) -> None:
        self.device = device
        self.budget = int(SHARE * available(device)) if budget is None else budget
        self._seen: dict[Shape, Footprint] = {}

    def footprint(self, shape: Shape) -> Footprint:
        """Of requests of this shape; to be filled while it is not settled."""
        return self._seen.setdefault(shape, Footprint(pixels=shape.pixels))

    def needs(self, shape: Shape) -> tuple[int, int]:
        """Bytes held and bytes worked with; scaled from other shapes while this one is unknown."""
        known = self._seen.get(shape, Footprint())
        if known.settled:
            return known.held, known.working
        others = [seen for seen in self._seen.values() if seen.settled]
        held = max((seen.held * shape.pixels // seen.pixels for seen in others), default=0)
        work = max((seen.working * shape.pixels // seen.pixels for seen in others), default=0)
        return max(held, known.held), max(work, known.working)

    def taken(self, shapes: Iterable[Shape]) -> int:
        """Bytes that requests of these shapes hold, and the largest forward of one of them."""
        needs = [self.needs(shape) for shape in shapes]
        return sum(held for held, _ in needs) + max((work for _, work in needs), default=0)

    def fits(self, shapes: Iterable[Shape]) -> bool:
        """Whether requests of these shapes may run at once."""
        return self.taken(shapes) <= self.budget

    def startable(self, waiting: Iterable[S], running: Iterable[S]) -> Iterator[S]:
        """Those of `waiting`, in order, that fit in beside the others; alone, any does."""
        shapes = [request.shape for request in running]
        for request in waiting:
            if shapes and not self.fits([*shapes, request.shape]):
                return
            shapes.append(request.shape)
            yield request


def available(device: torch.device) -> int:
    """Bytes free on the device now; of a CPU, within the limit of the container this runs in."""
    if device.type != "cpu":
        tell = getattr(getattr(torch, device.type, None), "mem_get_info", None)
        return int(tell(device)[0]) if tell else UNKNOWN
    table, limit = Path("/proc/meminfo"), Path("/sys/fs/cgroup/memory.max")
    words = table.read_text(encoding="ascii").split() if table.is_file() else []
    free = int(words[words.index("MemAvailable:") + 1]) << 10 if words else UNKNOWN
    text = limit.read_text(encoding="ascii").strip() if limit.is_file() else ""
    return min(free, int(text)) if text.isdigit() else free


def peak(device: torch.device, work: Callable[[], Any]) -> tuple[Any, int]:
    """What `work` answers, and the most bytes it had allocated at once."""
    if device.type != "cpu":
        before = torch.accelerator.memory_allocated(device)
        torch.accelerator.reset_peak_memory_stats(device)
        answer = work()
        return answer, torch.accelerator.max_memory_allocated(device) - before
    if torch._C._autograd._profiler_enabled():  # noqa: SLF001  # a user's: there can be only one
        return work(), 0
    with profile(profile_memory=True) as recorded:
        answer = work()
    events = recorded.kineto_results.events() if recorded.kineto_results else []
    changes = sorted((e.start_ns(), e.nbytes()) for e in events if e.name() == "[memory]")
    taken = most = 0
    for _, change in changes:
        taken += change
        most = max(most, taken)
    return answer, most


def held(frame: FrameType | None, device: torch.device, *more: Any) -> int:
    """Bytes of the tensors on `device` that the frames from `frame` outwards, and `more`, name."""
    names = list(more)
    while frame:
        names.append(dict(frame.f_locals))
        frame = frame.f_back
    tensors = [leaf for leaf in _pytree.tree_leaves(names) if isinstance(leaf, torch.Tensor)]
    storages = {t.untyped_storage() for t in tensors if t.device.type == device.type}
    return sum({s.data_ptr(): s.nbytes() for s in storages}.values())
