"""A LoRA layer within a shared forward: each call's rows pass through the call's own adapter.

They do so with the very operations, on the very shapes, that the call alone would see, so mixing
changes no bit. Knows peft's layers; nothing of routes, files and requests.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from .network import ParkedCall, SharedNetwork


def mixed(layer: Any, network: SharedNetwork) -> Any:
    """The layer's forward: the base for all rows at once, then each call's own small products.

    These are added in place: to put all rows together anew would cost those without an adapter.
    """
    alone = layer.forward

    def forward(x: Tensor, *args: Any, **kwargs: Any) -> Any:
        calls = network.running
        if not calls:
            return alone(x, *args, **kwargs)
        result, start = layer.base_layer(x, *args, **kwargs), 0
        adapted = any(call.adapter in layer.lora_A for call in calls)
        for call, size in zip(calls, _sizes(calls, len(x)) if adapted else (), strict=adapted):
            if call.adapter in layer.lora_A:
                own = slice(start, start + size)
                _add(layer, str(call.adapter), x[own], result[own])
            start += size
        return result

    return forward


def _sizes(calls: Sequence[ParkedCall], length: int) -> list[int]:
    """How much of a tensor's first dimension is each call's."""
    sizes = [call.rows * length // sum(call.rows for call in calls) for call in calls]
    if len(calls) > 1 and sizes != [call.rows for call in calls]:
        raise RuntimeError("The rows of a LoRA layer cannot be told apart.")
    return sizes


def _add(layer: Any, name: str, x: Tensor, base: Tensor) -> None:
    """Peft's own sum for one adapter: base + B(A(x)) · scaling."""
    if variant := layer.lora_variant.get(name):
        base.copy_(variant.forward(layer, active_adapter=name, x=x, result=base))
        return
    down, up = layer.lora_A[name], layer.lora_B[name]
    base += up(down(x.to(down.weight.dtype))) * layer.scaling[name]
