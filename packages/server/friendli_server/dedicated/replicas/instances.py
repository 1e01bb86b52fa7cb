"""What a replica may use of a machine, by the `instanceOptionId` that endpoints ask for.

Knows no cluster; `cluster.py` asks one for these.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Self

from friendli_server.dedicated.replicas.interfaces import LaunchError

_GIB: Final = 2**30


@dataclass(frozen=True, kw_only=True)
class Instance:
    """Shares of one machine; `memory` in GiB, `accelerator` by Ray's name (`H100`, `A100`, …)."""

    cpus: float = 1.0
    gpus: float = 0.0
    memory: float | None = None
    accelerator: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `cpus:4,gpus:1,memory:24,accelerator:H100`, of which any part may be missing.

        Raises:
            ValueError: another word, or a number that is none or below 0.
        """
        parts = dict(_part(part) for part in text.split(","))
        accelerator = parts.pop("accelerator", None)
        if unknown := parts.keys() - {"cpus", "gpus", "memory"}:
            raise ValueError(f"{unknown.pop()!r} is none of cpus, gpus, memory and accelerator")
        return cls(**{name: _number(name, given) for name, given in parts.items()},
                   accelerator=accelerator)  # fmt: skip

    def demand(self) -> Mapping[str, object]:
        """The same as options of a Ray actor."""
        wanted = {
            "num_cpus": self.cpus,
            "num_gpus": self.gpus,
            "memory": self.memory and int(self.memory * _GIB),
            "accelerator_type": self.accelerator,
        }
        return {name: value for name, value in wanted.items() if value is not None}


@dataclass(frozen=True)
class Instances:
    """The operator's kinds of instance by name; without any, every name is one CPU."""

    kinds: Mapping[str, Instance]

    @classmethod
    def parse(cls, texts: Iterable[str]) -> Self:
        """Read `NAME=cpus:4,…` of each.

        Raises:
            ValueError: one cannot be read.
        """
        pairs = (text.partition("=") for text in texts)
        return cls({name: Instance.parse(parts) for name, _, parts in pairs})

    def find(self, name: str) -> Instance:
        """The instance called `name`.

        Raises:
            LaunchError: the operator has others.
        """
        if not self.kinds:
            return Instance()
        if name not in self.kinds:
            raise LaunchError("WORKLOAD_INIT_SETTINGS_ERROR")
        return self.kinds[name]


def _part(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not (colon and value):
        raise ValueError(f"{text!r} is not NAME:VALUE, as in cpus:4")
    return name, value


def _number(name: str, text: str) -> float:
    number = float(text)
    if not 0 <= number < float("inf"):
        raise ValueError(f"{name} must be 0 or more")
    return number
