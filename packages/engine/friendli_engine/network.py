"""A network that many requests share: its forward parks the request that calls it.

Parked calls with equal keys can run as one forward: their rows are collated, the real network runs
once, and each call gets its own rows back. Knows how arguments batch; nothing of requests, policy
or pipelines.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor
from torch.utils.weak import WeakIdKeyDictionary

parking: ContextVar[Callable[[ParkedCall], Any] | None] = ContextVar("parking", default=None)
"""How the running request parks a call; None outside of requests."""

Linear = Callable[[Tensor], Tensor]
"""The forward of a linear layer."""


@dataclass(frozen=True)
class NetworkSpec:
    """How the arguments of one network class batch.

    By default a tensor whose first dimension is the number of rows is split by rows, and everything
    else must be equal for calls to share a forward.
    """

    shared: frozenset[str] = frozenset()
    """Tensors without rows (position ids): equal contents, passed once."""
    listed: frozenset[str] = frozenset()
    """Python lists with one entry per row."""
    padded_to: int = 1
    """The network itself pads listed texts to a multiple of so many tokens: up to that multiple
    lengths do not matter, beyond it a longer neighbour would change a row's bits."""
    scale: str | None = None
    """A number that only multiplies the outputs, so calls with different ones can share."""
    listed_out: bool = False
    """The network returns a list with one entry per row."""
    stateless: bool = False
    """Two threads may call it at once."""


IDS = frozenset({"img_ids", "txt_ids"})
SPECS = {
    "AutoencoderKL": NetworkSpec(stateless=True),
    "AutoencoderTiny": NetworkSpec(stateless=True),
    "ChromaTransformer2DModel": NetworkSpec(shared=IDS),
    "ControlNetModel": NetworkSpec(scale="conditioning_scale"),
    "FluxControlNetModel": NetworkSpec(shared=IDS, scale="conditioning_scale"),
    "FluxTransformer2DModel": NetworkSpec(shared=IDS),
    "QwenImageControlNetModel": NetworkSpec(
        listed=frozenset({"img_shapes"}), scale="conditioning_scale"
    ),
    "QwenImageTransformer2DModel": NetworkSpec(listed=frozenset({"img_shapes"})),
    "SD3ControlNetModel": NetworkSpec(scale="conditioning_scale"),
    "ZImageTransformer2DModel": NetworkSpec(
        listed=frozenset({"x", "cap_feats"}), listed_out=True, padded_to=32
    ),
}


@dataclass(frozen=True, eq=False)
class ParkedCall:
    """One call that waits for its forward."""

    network: SharedNetwork
    arguments: Mapping[str, Any]
    rows: int
    scale: float | None = None
    adapter: str | None = None

    @cached_property
    def key(self) -> Hashable:
        """Calls with equal keys can share a forward."""
        return self.network.key(self.arguments, self.rows)

    @property
    def likeness(self) -> str:
        """The key in words that mean the same in another process."""
        return repr(self.key[1:]) if isinstance(self.key, tuple) else ""

    @property
    def shape(self) -> str:
        """Of the first argument's rows, like "64x16"; for people."""
        first = next(iter(self.arguments.values()))
        row = first[0] if isinstance(first, list) else first[:1]
        return "x".join(map(str, row.shape if isinstance(first, list) else row.shape[1:]))


@dataclass(eq=False)
class SharedNetwork:
    """Stands in for `owner.method`: inside a request it parks the call, elsewhere it just runs.

    Args:
        owner: the module.
        method: the name of the method that parks.
        solo: its calls never share a forward.
        stepping: it is part of a denoiser step; others prepare or decode.
        denoiser: its answers are checked for NaN, row by row.
    """

    owner: Any
    method: str = "forward"
    solo: bool = False
    stepping: bool = False
    denoiser: bool = False
    real: Callable[..., Any] = field(init=False)
    running: Sequence[ParkedCall] = field(init=False, default=())
    """The calls of the forward that is under way."""
    _apart: list[tuple[Any, Linear, Linear]] = field(init=False, default_factory=list)
    """Layers, each with its own forward and the one for shared forwards."""

    def __post_init__(self) -> None:
        self.real = getattr(self.owner, self.method)
        self.name = type(self.owner).__name__
        self.spec = SPECS.get(self.name, NetworkSpec())
        self._signature = inspect.signature(self.real)
        self._names = tuple(self._signature.parameters)
        kinds = {p.kind: name for name, p in self._signature.parameters.items()}
        self._rest = kinds.get(inspect.Parameter.VAR_KEYWORD, "")
        self._prints = WeakIdKeyDictionary()
        setattr(self.owner, self.method, self)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """What the owner's method answers, now or when the request is resumed."""
        park = parking.get()
        return park(self.describe(args, kwargs)) if park else self.real(*args, **kwargs)

    def release(self) -> None:
        """Give the owner its own method back."""
        delattr(self.owner, self.method)

    def describe(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> ParkedCall:
        """The call with its arguments by name, in the method's order, and its number of rows."""
        if args:
            arguments = dict(self._signature.bind(*args, **kwargs).arguments)
            arguments |= arguments.pop(self._rest, {})
        else:  # nearly always, and `bind` takes its time
            arguments = {name: kwargs[name] for name in self._names if name in kwargs}
            arguments |= kwargs
        rows = len(next(iter(arguments.values())))
        scale = self._take_scale(arguments)
        timestep = arguments.get("timestep")
        if isinstance(timestep, Tensor) and not timestep.ndim:
            arguments["timestep"] = timestep.expand(rows)
        return ParkedCall(self, arguments, rows, scale)

    def key(self, arguments: Mapping[str, Any], rows: int) -> Hashable:
        """What calls must have in common to share a forward; a call of a solo network nothing."""
        if self.solo:
            return object()
        return id(self), *((k, self._print(k, v, rows)) for k, v in sorted(arguments.items()))

    def _take_scale(self, arguments: dict[str, Any]) -> float | None:
        """Run with scale 1; `split` multiplies. The same products as the network's own, exactly."""
        scale = arguments.get(self.spec.scale) if self.spec.scale else None
        if not isinstance(scale, int | float):
            return None
        arguments[str(self.spec.scale)] = 1.0
        return float(scale)

    def _print(self, name: str, value: Any, rows: int) -> Hashable:
        """What must be equal in calls that share a forward."""
        if name in self.spec.listed:
            return frozenset(self._print("", self._padded(entry), -1) for entry in value)
        if isinstance(value, Tensor):
            if self._has_rows(name, value, rows):
                return value.shape[1:], value.dtype
            return value.shape, value.dtype, rows >= 0 and self._content(value)
        if isinstance(value, Mapping):
            return tuple((k, self._print(k, v, rows)) for k, v in sorted(value.items()))
        if isinstance(value, list | tuple):
            return tuple(self._print(name, entry, rows) for entry in value)
        return value if isinstance(value, Hashable) else id(value)

    def _padded(self, entry: Any) -> Any:
        """A text of `entry`'s length as the network sees it; anything else as it is."""
        if self.spec.padded_to == 1 or not isinstance(entry, Tensor) or entry.ndim != 2:
            return entry
        length = -len(entry) // self.spec.padded_to * -self.spec.padded_to
        return entry[:1].expand(length, -1)

    def _has_rows(self, name: str, value: Tensor, rows: int) -> bool:
        return name not in self.spec.shared and value.ndim > 0 and len(value) == rows

    def _content(self, tensor: Tensor) -> bytes:
        """A digest of the contents, made once per tensor object."""
        if tensor not in self._prints:
            raw = tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy()
            self._prints[tensor] = hashlib.blake2b(raw.tobytes(), digest_size=16).digest()
        digest: bytes = self._prints[tensor]
        return digest

    def run(self, calls: Sequence[ParkedCall]) -> list[Any]:
        """One forward for all `calls`; their outputs in order."""
        first = calls[0]
        with self._sharing(calls):
            output = self.real(
                **{
                    name: self._join(name, [call.arguments[name] for call in calls], first.rows)
                    for name in first.arguments
                }
            )
        return self._split(output, calls)

    def replicas(self, call: ParkedCall) -> Callable[[int], list[Any]]:
        """`forward(rows)` on so many copies of the first row of `call`, for measuring."""
        one = {name: self._first(name, value, call.rows) for name, value in call.arguments.items()}
        single = ParkedCall(self, one, 1)
        return lambda rows: self.run([single] * rows)

    def _first(self, name: str, value: Any, rows: int) -> Any:
        if name in self.spec.listed:
            return value[:1]
        if isinstance(value, Tensor):
            return value[:1] if self._has_rows(name, value, rows) else value
        if isinstance(value, Mapping):
            return {k: self._first(k, v, rows) for k, v in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(self._first(name, entry, rows) for entry in value)
        return value

    def _join(self, name: str, values: Sequence[Any], rows: int) -> Any:
        first = values[0]
        if len(values) == 1:
            return first
        if name in self.spec.listed:
            return [entry for value in values for entry in value]
        if isinstance(first, Tensor):
            return torch.cat(list(values)) if self._has_rows(name, first, rows) else first
        if isinstance(first, Mapping):
            return {k: self._join(k, [value[k] for value in values], rows) for k in first}
        if isinstance(first, list | tuple):
            columns = zip(*values, strict=True)
            return type(first)(self._join(name, column, rows) for column in columns)
        return first

    def _split(self, output: Any, calls: Sequence[ParkedCall]) -> list[Any]:
        if len(calls) == 1 and calls[0].scale is None:
            return [output]
        total, start, parts = sum(call.rows for call in calls), 0, []
        for call in calls:
            own = slice(start, start + call.rows)
            parts.append(self._take(output, own, total, call.scale))
            start = own.stop
        return parts

    def _take(self, output: Any, own: slice, total: int, scale: float | None) -> Any:
        if isinstance(output, Tensor):
            part = output[own] if output.ndim and len(output) == total else output
            return part if scale is None else part * scale
        if isinstance(output, Mapping):
            return type(output)(**{k: self._take(v, own, total, scale) for k, v in output.items()})
        if isinstance(output, list | tuple):
            if self.spec.listed_out and isinstance(output, list) and len(output) == total:
                return output[own]
            return type(output)(self._take(part, own, total, scale) for part in output)
        return output

    def keep_small_products_apart(self) -> None:
        """Make 2-D linear layers work call by call inside a shared forward.

        In float32 on a CPU a product with one row takes another kernel (gemv) than one with many
        (gemm), so its bits would depend on who else is in the forward. The layers concerned are
        tiny: modulation and time embeddings.
        """
        layers = (m for m in self.owner.modules() if isinstance(m, torch.nn.Linear))
        self._apart = [(m, m.forward, self._by_calls(m.forward)) for m in layers]

    @contextmanager
    def _sharing(self, calls: Sequence[ParkedCall]) -> Iterator[None]:
        """A call by itself meets the stock network: what sharing needs is put in for the shared."""
        self.running, layers = calls, self._apart if len(calls) > 1 else ()
        for layer, _, by_calls in layers:
            vars(layer)["forward"] = by_calls
        try:
            yield
        finally:
            self.running = ()
            for layer, alone, _ in layers:
                vars(layer)["forward"] = alone

    def _by_calls(self, linear: Linear) -> Linear:
        def forward(x: Tensor) -> Tensor:
            if x.ndim != 2:
                return linear(x)
            sizes = [call.rows for call in self.running]
            if len(x) % sum(sizes):
                return linear(x)
            tiled = x.reshape(-1, sum(sizes), x.shape[1])  # once more: Qwen-Image-Edit-2511
            parts = [linear(part.flatten(0, 1)) for part in torch.split(tiled, sizes, dim=1)]
            outputs = [part.reshape(len(tiled), -1, part.shape[1]) for part in parts]
            return torch.cat(outputs, dim=1).flatten(0, 1)

        return forward
