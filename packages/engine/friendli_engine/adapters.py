"""LoRA adapters by route: which are known, and which are in memory.

Weights are in memory within a budget; what was not used longest leaves it and is read again when
asked for. Knows diffusers' loaders; nothing of policy, and of requests only which adapter each has.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Protocol, TypeVar

import torch
from peft.tuners.lora import LoraLayer

from .errors import AdapterRefusedError, UnknownAdapterError
from .lora_file import LoraFile, read
from .lora_layer import mixed
from .model import Model
from .network import SharedNetwork

BUDGET = 4 << 30
"""Bytes of adapter weights in the networks' memory, unless told otherwise."""


@dataclass(frozen=True)
class Source:
    """Where an adapter comes from: "path" or "path@scale"."""

    path: Path
    scale: float = 1.0

    @classmethod
    def parse(cls, text: str) -> Source:
        """Raises AdapterRefusedError if the scale is no finite number."""
        path, found, scale = text.rpartition("@")
        if not found or Path(text).exists():
            return cls(Path(text))
        try:
            number = float(scale)
        except ValueError:
            return cls(Path(text))
        if not abs(number) < 100:
            raise AdapterRefusedError(f"The scale {scale!r} of an adapter must be within ±100.")
        return cls(Path(path), number)


@dataclass(eq=False)
class Adapter:
    """One loaded file. A route that is loaded anew gets another `Adapter`."""

    route: str
    file: LoraFile
    scale: float
    name: str
    """peft's. Routes may hold dots or be called "half": names that a torch module cannot bear."""
    bytes: int
    """Of its weights in the networks; until it was there once, what its file promises."""
    changes_text: bool = False
    """Whether it touches a text encoder, so that prompts read differently."""


class Wearer(Protocol):
    """A request, as far as adapters are concerned."""

    @property
    def adapter(self) -> Adapter | None:
        """What it asked for; None is the base model."""


W = TypeVar("W", bound=Wearer)


class Adapters:
    """The adapters of one model. Everything here is safe while requests run, between forwards.

    Args:
        model: whose networks the adapters change.
        networks: its parking networks.
        budget: the most bytes that adapter weights may take in the networks' memory.
    """

    def __init__(
        self, model: Model, networks: Sequence[SharedNetwork], *, budget: int = BUDGET
    ) -> None:
        self._pipeline = next(iter(model.pipelines.values()))
        self._width, self._budget = model.dtype.itemsize, budget
        self._networks = [network for network in networks if not network.solo]
        self._known: dict[str, Adapter] = {}
        self._present: dict[Adapter, None] = {}  # least recently used first
        self._numbers = count()
        self._loads = self._evictions = 0

    @property
    def routes(self) -> tuple[str, ...]:
        """The routes that requests may name."""
        return tuple(self._known)

    @property
    def bytes(self) -> int:
        """Of the weights in the networks at the moment."""
        return sum(adapter.bytes for adapter in self._present)

    def counts(self) -> dict[str, int]:
        """The fields of `Stats` that are about adapters."""
        numbers = (self.bytes, self._loads, self._evictions)
        return dict(
            zip(("adapter_bytes", "adapter_loads", "adapter_evictions"), numbers, strict=True)
        )

    def find(self, route: str | None) -> Adapter | None:
        """The adapter behind a route; None is the base model.

        Raises:
            UnknownAdapterError: there is no such route.
        """
        if route is not None and route not in self._known:
            raise UnknownAdapterError.among(self.routes, route)
        return self._known[route] if route is not None else None

    def load(
        self,
        route: str,
        source: str,
        *,
        replace: bool = False,
        used: Collection[Adapter] = (),
    ) -> None:
        """Make the file at `source` known as `route`; its weights enter the networks to try them.

        Args:
            route: a name that is not taken.
            source: "path" or "path@scale".
            replace: it may be taken: it means this file from now on, unless that is refused.
            used: adapters of running requests: they stay in memory whatever the budget.

        Raises:
            AdapterRefusedError: the route is taken, or the file is malformed, hostile, unfitting or
                larger than the budget.
        """
        if not route or (route in self._known and not replace):
            raise AdapterRefusedError(f"The adapter route {route!r} is empty or taken.")
        wanted = Source.parse(source)
        file = read(route, wanted.path)
        name = f"adapter{next(self._numbers)}"
        adapter = Adapter(route, file, wanted.scale, name, file.values * self._width)
        self._check_budget(adapter)
        self.attach(adapter, used=used)
        self._known[route] = adapter
        if self.bytes > self._budget:
            self._detach(adapter)

    def unload(self, route: str, *, used: Collection[Adapter] = ()) -> None:
        """Offer `route` no longer; the weights go at once, or when `settle` finds them unused.

        Raises:
            UnknownAdapterError: there is no such route.
        """
        if route not in self._known:
            raise UnknownAdapterError.among(self.routes, route)
        del self._known[route]
        self.settle(used)

    def settle(self, used: Collection[Adapter]) -> None:
        """Free the weights of adapters that are neither offered nor in `used`."""
        kept = {*self._known.values(), *used}
        for adapter in [adapter for adapter in self._present if adapter not in kept]:
            self._detach(adapter)

    def startable(self, waiting: Iterable[W], used: Collection[Adapter]) -> Iterator[W]:
        """Those of `waiting`, in order, whose adapters fit in beside the ones in `used`.

        After one that does not fit only the base model's requests start: memory that becomes free
        is for the one that waits longest.
        """
        taken, blocked = {*used}, False
        for request in waiting:
            wanted = taken | {request.adapter} if request.adapter else taken
            if request.adapter and request.adapter not in taken:
                blocked |= sum(adapter.bytes for adapter in wanted) > self._budget
            if not (blocked and request.adapter):
                taken = wanted
                yield request

    def attach(self, adapter: Adapter, *, used: Collection[Adapter] = ()) -> None:
        """Bring the weights into the networks' memory, in place of what was not used longest.

        Raises:
            AdapterRefusedError: the file fits no longer, or it changed since it was loaded.
        """
        if adapter in self._present:
            self._present[adapter] = self._present.pop(adapter)
            return
        for old in [old for old in self._present if old not in used]:
            if self.bytes + adapter.bytes > self._budget:
                self._detach(old)
                self._evictions += 1
        self._read_in(adapter)
        adapter.bytes = self._weave(adapter)
        self._present[adapter] = None
        self._loads += 1

    def _check_budget(self, adapter: Adapter) -> None:
        if adapter.bytes > self._budget:
            text = f"The adapter {adapter.route!r} needs more memory than all adapters may have."
            raise AdapterRefusedError(text)

    @torch.inference_mode(False)  # noqa: FBT003  # torch's own signature
    def _read_in(self, adapter: Adapter) -> None:
        """Let diffusers put the weights into its layers; all of them, or none stay."""
        if adapter.file.changed:
            text = f"The file of the adapter {adapter.route!r} changed since it was loaded."
            raise AdapterRefusedError(text)
        try:
            # New layers are filled at random before they get their weights.
            with _quietly(), torch.random.fork_rng(devices=[]):
                self._check_shapes(adapter)
                self._pipeline.load_lora_weights(str(adapter.file.path), adapter_name=adapter.name)
            self._check_arrival(adapter)
        except Exception as error:
            self._forget(adapter)
            if isinstance(error, AdapterRefusedError):
                raise
            text = f"The adapter {adapter.route!r} does not fit this model."
            raise AdapterRefusedError(text) from error

    def _check_shapes(self, adapter: Adapter) -> None:
        """Before anything is attached: diffusers would widen a layer of Flux to fit a LoRA."""
        tensors = self._pipeline.lora_state_dict(str(adapter.file.path))
        tensors = tensors[0] if isinstance(tensors, tuple) else tensors
        for name, tensor in tensors.items():
            path, side, _ = re.split(r"[._]lora(?:_linear_layer)?[._](A|B|down|up)\.|$", name)[:3]
            module = _module(self._pipeline, path)
            if module is None or not side or tensor.ndim < 2:
                continue
            wide = tensor.shape[1] if side in ("A", "down") else tensor.shape[0]
            if wide != module.weight.shape[side in ("A", "down")]:
                text = f"The adapter {adapter.route!r} does not fit this model: {path!r} differs."
                raise AdapterRefusedError(text)

    def _check_arrival(self, adapter: Adapter) -> None:
        """Diffusers passes over layers that the model lacks, and so would serve half a LoRA."""
        arrived = sum(1 for _ in self._layers(adapter))
        if arrived < adapter.file.layers:
            missing = f"{adapter.file.layers - arrived} of its {adapter.file.layers} layers"
            text = f"The adapter {adapter.route!r} is for another model: this one lacks {missing}."
            raise AdapterRefusedError(text)

    def _layers(self, adapter: Adapter) -> Iterator[tuple[SharedNetwork, Any]]:
        for network in self._networks:
            for layer in network.owner.modules():
                if isinstance(layer, LoraLayer) and adapter.name in layer.lora_A:
                    yield network, layer

    def _weave(self, adapter: Adapter) -> int:
        """Let its layers serve each call with the call's own adapter; bytes of its weights."""
        total = 0
        for network, layer in self._layers(adapter):
            layer.scaling[adapter.name] *= adapter.scale
            adapter.changes_text |= not network.stepping
            weights = (*layer.lora_A[adapter.name].parameters(),)
            weights += (*layer.lora_B[adapter.name].parameters(),)
            total += sum(weight.nbytes for weight in weights)
            if "forward" not in vars(layer):
                layer.forward = mixed(layer, network)
        return total

    def _detach(self, adapter: Adapter) -> None:
        del self._present[adapter]
        self._forget(adapter)

    def _forget(self, adapter: Adapter) -> None:
        if any(adapter.name in names for names in self._pipeline.get_list_adapters().values()):
            with _quietly():
                self._pipeline.delete_adapters([adapter.name])


@contextmanager
def _quietly() -> Iterator[None]:
    """Peft warns of what is meant: several adapters, of which the "active" one means nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _module(pipeline: Any, path: str) -> Any:
    """The layer at "component.path", below a LoRA that is there already; None if there is none."""
    component, _, inner = path.partition(".")
    try:
        module = pipeline.components[component].get_submodule(inner)
    except (KeyError, AttributeError):
        return None
    module = getattr(module, "base_layer", module)
    return module if isinstance(module, torch.nn.Linear | torch.nn.Conv2d) else None
