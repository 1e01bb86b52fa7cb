"""Everything the engine can refuse or fail, as one tree. Knows nothing about HTTP status codes.

EngineError
├── LoadError                   the model or an adapter cannot be used
│   ├── ModelNotFoundError      no such directory, or not a diffusers model
│   ├── ModelCorruptError       a file of the model is damaged
│   ├── ModelUnsupportedError   unknown pipeline class, foreign code or pickled weights
│   └── AdapterRefusedError     malformed, hostile or unfitting LoRA file
├── InvalidRequestError         `.param` names the field at fault
│   ├── UnknownAdapterError     no adapter with this route; the text names the known ones
│   ├── NotSupportedError       this model cannot do what was asked
│   └── TooLargeError           it needs more memory than all requests together may take
├── NotAcceptedError            nothing wrong with the request; try again later
│   ├── QueueFullError          as many requests wait as are allowed to, or for as long
│   └── NotReadyError           the engine is draining or closed
└── GenerationError             it was accepted, but there is no picture
    ├── NotFiniteError          the network's answer for this request held NaN or infinity
    ├── OutOfMemoryError        it does not fit into memory even on its own
    └── WorkerLostError         the engine process died or hung, again after the request's retry
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Self


class EngineError(Exception):
    """Root of the tree. `message` is fit for the caller's eyes: fixed text, no library's words."""

    def __init__(self, message: str, *, param: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param

    @property
    def kind(self) -> str:
        """The name under which the error crosses process boundaries."""
        return type(self).__name__


class LoadError(EngineError):
    """The model or an adapter cannot be used."""


class ModelNotFoundError(LoadError):
    """No such directory or hub model, or it is not a diffusers model."""


class ModelCorruptError(LoadError):
    """A file of the model is damaged; the message names it."""


class ModelUnsupportedError(LoadError):
    """Unknown pipeline class, foreign code, or weights that are not safetensors."""


class AdapterRefusedError(LoadError):
    """The LoRA file is malformed, hostile or does not fit the model."""


class InvalidRequestError(EngineError):
    """The request cannot be run; `param` names the field at fault."""


class UnknownAdapterError(InvalidRequestError):
    """No adapter has this route."""

    @classmethod
    def among(cls, known: Iterable[str], route: str) -> Self:
        """The error for `route`, with the known routes and the one that was probably meant."""
        routes = sorted(known)
        near = get_close_matches(route, routes, n=1)
        meant = f" Did you mean {near[0]!r}?" if near else ""
        listed = ", ".join(map(repr, routes)) or "none"
        message = f"There is no adapter with this route. Known adapters: {listed}.{meant}"
        return cls(message, param="adapter")


class NotSupportedError(InvalidRequestError):
    """The model lacks the ability that the field asks for."""


class TooLargeError(InvalidRequestError):
    """A request of this size needs more memory than all requests together may take."""


class NotAcceptedError(EngineError):
    """Nothing is wrong with the request; try again later."""


class QueueFullError(NotAcceptedError):
    """As many requests wait as are allowed to."""


class NotReadyError(NotAcceptedError):
    """The engine has not started, is draining, or is closed."""


class GenerationError(EngineError):
    """The request was accepted and failed."""


class NotFiniteError(GenerationError):
    """A network answered this request with NaN or infinity."""


class OutOfMemoryError(GenerationError):
    """The request does not fit into memory even on its own."""


class WorkerLostError(GenerationError):
    """The engine process died or hung."""


def from_kind(kind: str, message: str, *, param: str | None = None) -> EngineError:
    """The error that crossed a process boundary as `kind`; unknown kinds become `EngineError`."""
    known, left = {"EngineError": EngineError}, [EngineError]
    while left:
        found = left.pop().__subclasses__()
        known |= {cls.__name__: cls for cls in found}
        left += found
    return known.get(kind, EngineError)(message, param=param)
