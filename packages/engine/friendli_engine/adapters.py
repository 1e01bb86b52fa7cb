"""LoRA adapters by route, mixed freely within one forward.

A file is inspected before anything of it reaches a network. Inside a shared forward every call's
rows pass through the call's own adapter with the very operations, on the very shapes, that the call
alone would see, so mixing changes no bit. Knows peft's layers; nothing of requests and policy.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import torch
from peft.tuners.lora import LoraLayer
from safetensors import SafetensorError, safe_open
from torch import Tensor

from .errors import AdapterRefusedError, UnknownAdapterError
from .model import Model
from .network import SharedNetwork

MAX_BYTES = 2 << 30
MAX_HEADER = 4 << 20
MAX_TENSORS = 10_000
MAX_RANK = 1024


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


class Adapters:
    """The adapters of one model. Loading and unloading is safe while requests run."""

    def __init__(self, model: Model, networks: Sequence[SharedNetwork]) -> None:
        self._pipeline = next(iter(model.pipelines.values()))
        self._networks = [network for network in networks if not network.solo]
        self._known: dict[str, str] = {}  # peft's name of each route
        self._numbers = count()

    @property
    def routes(self) -> tuple[str, ...]:
        """The routes that requests may name."""
        return tuple(self._known)

    def load(self, route: str, source: Source) -> None:
        """Make the file at `source` known as `route`.

        Raises:
            AdapterRefusedError: the route is taken, or the file is malformed, hostile or unfitting.
        """
        if not route or route in self._known:
            raise AdapterRefusedError(f"The adapter route {route!r} is empty or taken.")
        inspect(route, source.path)
        # Routes may hold dots or be called "half": names that a torch module cannot bear.
        name = f"adapter{next(self._numbers)}"
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # peft warns of what is meant: several adapters
                self._pipeline.load_lora_weights(str(source.path), adapter_name=name)
        except Exception as error:
            if self._holds(name):
                self._pipeline.delete_adapters([name])
            text = f"The adapter {route!r} does not fit this model."
            raise AdapterRefusedError(text) from error
        if not self._holds(name):
            raise AdapterRefusedError(f"The adapter {route!r} has nothing for this model.")
        self._known[route] = name
        for network in self._networks:
            self._weave(network, name, source.scale)

    def unload(self, route: str) -> None:
        """Forget `route` and free its weights.

        Raises:
            UnknownAdapterError: there is no such route.
        """
        if route not in self._known:
            raise UnknownAdapterError("There is no adapter with this route.", param="adapter")
        self._pipeline.delete_adapters([self._known.pop(route)])

    def _holds(self, name: str) -> bool:
        listed = self._pipeline.get_list_adapters()
        return any(name in names for names in listed.values())

    def _weave(self, network: SharedNetwork, name: str, scale: float) -> None:
        """Let the network's LoRA layers, old and new, serve each call with its own adapter."""
        for layer in network.owner.modules():
            if not isinstance(layer, LoraLayer):
                continue
            if name in layer.scaling:
                layer.scaling[name] *= scale
            if "forward" not in vars(layer):
                layer.forward = _mixed(layer, network, self._known)


def _mixed(layer: Any, network: SharedNetwork, known: Mapping[str, str]) -> Any:
    """The layer's forward: the base for all rows at once, then each call's own small products."""
    alone = layer.forward

    def forward(x: Tensor, *args: Any, **kwargs: Any) -> Any:
        calls = network.running
        if not calls:
            return alone(x, *args, **kwargs)
        result = layer.base_layer(x, *args, **kwargs)
        if not any(call.adapter for call in calls):
            return result
        sizes = [call.rows * len(x) // sum(call.rows for call in calls) for call in calls]
        if len(calls) > 1 and sizes != [call.rows for call in calls]:
            raise RuntimeError("The rows of a LoRA layer cannot be told apart.")
        names = [known.get(call.adapter or "") for call in calls]
        parts = zip(names, torch.split(x, sizes), torch.split(result, sizes), strict=True)
        return torch.cat([_adapted(layer, name, own, base) for name, own, base in parts])

    return forward


def _adapted(layer: Any, name: str | None, x: Tensor, base: Tensor) -> Any:
    """Peft's own sum for one adapter: base + B(A(x)) · scaling."""
    if name is None or name not in layer.lora_A:
        return base
    if variant := layer.lora_variant.get(name):
        return variant.forward(layer, active_adapter=name, x=x, result=base)
    down, up = layer.lora_A[name], layer.lora_B[name]
    return (base + up(down(x.to(down.weight.dtype))) * layer.scaling[name]).to(base.dtype)


def inspect(route: str, path: Path) -> None:
    """Refuse what no honest LoRA file looks like. Only safetensors are ever read.

    Raises:
        AdapterRefusedError: unreadable, too large, too many tensors, absurd ranks, not a number.
    """
    try:
        _check_header(path)
        with safe_open(path, framework="pt") as tensors:
            for name in tensors.keys():  # noqa: SIM118  # not a dict
                _check_tensor(name, tensors.get_tensor(name))
    except (OSError, SafetensorError) as error:
        text = f"The adapter {route!r} is not a readable safetensors file."
        raise AdapterRefusedError(text) from error
    except ValueError as error:
        raise AdapterRefusedError(f"The adapter {route!r} is refused: {error}.") from error


def _check_header(path: Path) -> None:
    """Before the file is parsed: its size, and the size of its table of tensors."""
    if path.stat().st_size > MAX_BYTES:
        raise ValueError("the file is too large")
    with path.open("rb") as file:
        if int.from_bytes(file.read(8), "little") > MAX_HEADER:
            raise ValueError("its table of tensors is too large")
    with safe_open(path, framework="pt") as tensors:
        if not 0 < len(tensors.keys()) <= MAX_TENSORS:
            raise ValueError("it has no tensors or too many")


def _check_tensor(name: str, tensor: Tensor) -> None:
    if not tensor.is_floating_point() or not bool(tensor.isfinite().all()):
        raise ValueError("a tensor holds values that are not finite numbers")
    if not tensor.numel() or tensor.ndim > 4:
        raise ValueError("a tensor is empty or has too many dimensions")
    down = "lora_A" in name or "lora_down" in name or "lora.down" in name
    if down and tensor.shape[0] > MAX_RANK:
        raise ValueError(f"its rank exceeds {MAX_RANK}")
