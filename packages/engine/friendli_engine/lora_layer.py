"""A LoRA layer within a shared forward: each call's rows pass through the call's own adapter.

They do so with the very operations, on the very shapes, that the call alone would see, so mixing
changes no bit. Knows peft's layers; nothing of routes, files and requests.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .network import SharedNetwork


def mixed(layer: Any, network: SharedNetwork) -> Any:
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
        names = [call.adapter for call in calls]
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
