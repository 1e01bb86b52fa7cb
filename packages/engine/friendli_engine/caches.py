"""What need not be computed again: prompts that were read before, and steps that change little.

The prompt cache changes no bit; the step cache does change pictures, and only for requests that ask
for it. Knows pipelines' `encode_prompt` and the calls of a denoiser; nothing of batching.
"""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

import torch
from torch import Tensor
from torch.utils import _pytree

from .network import ParkedCall

PROMPT_MEMORY = 256 << 20
"""Bytes of prompt embeddings, unless told otherwise."""
METHODS = ("encode_prompt", "_encode_prompt")
SIMPLE = (str, int, float, bool, type(None), torch.device, torch.dtype)


class PromptCache:
    """What pipelines made of prompts, least recently used first; safe to use for every request.

    An entry is found again only under the same pipeline class, the same text adapter, equal
    arguments, and equal state of the pipeline's call so far. Calls with arguments that cannot be
    compared (pictures, tensors) are not kept.

    Args:
        budget: the most bytes that the embeddings may take; 0 keeps none.
    """

    def __init__(self, budget: int = PROMPT_MEMORY) -> None:
        self._budget, self._bytes = budget, 0
        self._kept: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._hits = self._misses = 0

    def attend(self, view: Any, epoch: str | None) -> None:
        """Let `view` read its prompts through the cache.

        Args:
            view: a request's private view of a pipeline, before its call.
            epoch: names the adapter that changes its text encoders, if one does.
        """
        if not self._budget:
            return
        fresh, reference = frozenset(vars(view)) | set(METHODS), weakref.ref(view)
        for name in METHODS:
            if encode := getattr(type(view), name, None):
                vars(view)[name] = self._through(encode, reference, (epoch, fresh))

    def counts(self) -> dict[str, int]:
        """The fields of `Stats` that are about prompts."""
        names = ("prompt_hits", "prompt_misses", "prompt_bytes")
        return dict(zip(names, (self._hits, self._misses, self._bytes), strict=True))

    def _through(
        self, encode: Callable[..., Any], view: weakref.ref[Any], known: tuple[Any, frozenset[str]]
    ) -> Callable[..., Any]:
        epoch, fresh = known

        def through(*args: Any, **kwargs: Any) -> Any:
            own = view()
            state = {k: v for k, v in vars(own).items() if k not in fresh}
            try:
                key = type(own), encode.__name__, epoch, _frozen((args, kwargs, state))
            except TypeError:
                return encode(own, *args, **kwargs)
            if key not in self._kept:
                self._misses += 1
                made = encode(own, *args, **kwargs)
                self._keep(key, made)
                return made
            self._hits += 1
            self._kept.move_to_end(key)
            return _copied(self._kept[key][0])

        return through

    def _keep(self, key: Hashable, made: Any) -> None:
        """A copy: the original may be a part of a larger tensor, or be changed by its pipeline."""
        copy = _copied(made)
        leaves = [leaf for leaf in _pytree.tree_leaves(copy) if isinstance(leaf, Tensor)]
        size = sum(leaf.nbytes for leaf in leaves)
        if size > self._budget:
            return
        self._bytes += size - self._kept.pop(key, (None, 0))[1]
        self._kept[key] = copy, size
        while self._bytes > self._budget:
            self._bytes -= self._kept.popitem(last=False)[1][1]


def _frozen(value: Any) -> Hashable:
    """`value` as a key. Raises TypeError for what has no plain equality."""
    if isinstance(value, SIMPLE):
        return type(value), value
    if isinstance(value, list | tuple):
        return type(value), *map(_frozen, value)
    if isinstance(value, dict):
        return dict, *((name, _frozen(value[name])) for name in sorted(value))
    raise TypeError(type(value))


def _copied(value: Any) -> Any:
    return _pytree.tree_map_only(Tensor, torch.clone, value)


class StepCache:
    """One request's decision, step by step, whether its denoiser runs or its last answer holds.

    A step is skipped while the denoiser's input has moved, in all since the last forward, by less
    than `threshold` of its size (the whole-forward form of TeaCache, arXiv 2411.19108). The first
    and the last step always run. A skipped step takes no part in any forward.

    Args:
        threshold: relative movement, 0 to 1; larger skips more and changes the picture more.
    """

    def __init__(self, threshold: float) -> None:
        self.skipped = 0
        self._threshold, self._moved = threshold, 0.0
        self._step, self._place, self._skips = -1, 0, False
        self._input: Tensor | None = None
        self._answers: list[Any] = []

    def recall(self, call: ParkedCall, *, step: int, last: bool) -> Any:
        """The answer to `call` if its step is skipped; None if it must run.

        All calls of a step (guidance may take two) share one decision.
        """
        self._place = self._place + 1 if step == self._step else 0
        if not self._place:
            self._step, self._skips = step, self._decide(call) and not last
            self._moved *= self._skips
            self.skipped += self._skips
        if self._skips and self._place < len(self._answers):
            return _copied(self._answers[self._place])
        return None

    def keep(self, answer: Any) -> None:
        """Note what the call that `recall` let pass was answered."""
        self._answers[self._place :] = [answer]

    def _decide(self, call: ParkedCall) -> bool:
        leaves = _pytree.tree_leaves(dict(call.arguments))
        now = next(leaf for leaf in leaves if isinstance(leaf, Tensor)).float()
        before, self._input = self._input, now
        if before is None or before.shape != now.shape or not self._answers:
            return False
        self._moved += float((now - before).abs().mean() / before.abs().mean())
        return self._moved < self._threshold
