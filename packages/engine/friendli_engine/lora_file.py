"""A LoRA file, read with suspicion: what no honest trainer writes is refused before it is used.

Knows safetensors and how trainers name the parts of a LoRA; nothing of networks and requests.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from peft import LoraConfig
from safetensors import SafetensorError, safe_open
from torch import Tensor

from .errors import AdapterRefusedError

MAX_BYTES = 2 << 30
MAX_HEADER = 4 << 20
MAX_TENSORS = 10_000
MAX_RANK = 1024

# peft: X.lora_A.weight; diffusers: X.lora.down.weight, to_q_lora.down.weight; kohya: X.alpha,
# X.lora_down.weight; xlabs: X_lora1.up.weight. Nothing else: loaders take names for patterns.
PART = re.compile(
    r"[\w.\-]{1,300}?[._](?:"
    r"lora(?:_linear_layer|\d)?[._](?P<side>A|B|down|up)(?P<rest>\.[\w.\-]*)"
    r"|lora_magnitude_vector[\w.]*|alpha)"
)
PLAIN_PATTERN = re.compile(r"[\w.^$\\-]*")
DEFAULTS = LoraConfig().to_dict()
FREE = {"task_type", "base_model_name_or_path", "auto_mapping", "peft_version", "revision"}
"""What a file may say as it likes: it changes nothing."""
SWITCHES = {"use_dora", "use_rslora", "lora_bias", "inference_mode", "fan_in_fan_out"}


@dataclass(frozen=True)
class LoraFile:
    """What was found in a file that passed."""

    path: Path
    layers: int
    """Layers of a network that it changes, as the file counts them."""
    values: int
    """Numbers in all its tensors."""
    stamp: tuple[int, int]
    """Size and time of change, to notice another file under the same name."""

    @property
    def changed(self) -> bool:
        """Whether the file is no longer the one that was read."""
        return not self.path.exists() or _stamp(self.path) != self.stamp


def read(route: str, path: Path) -> LoraFile:
    """Look at all of the file at `path`. Only safetensors are ever read.

    Raises:
        AdapterRefusedError: unreadable or cut short; too large; names, shapes, ranks or settings
            that no LoRA has; values that are no finite numbers. The text says which.
    """
    try:
        return _read(path)
    except (OSError, SafetensorError) as error:
        text = f"The adapter {route!r} is not a readable safetensors file."
        raise AdapterRefusedError(text) from error
    except ValueError as error:
        raise AdapterRefusedError(f"The adapter {route!r} is refused: {error}.") from error


def _read(path: Path) -> LoraFile:
    stamp = _stamp(path)
    _check_size(path)
    shapes: dict[str, dict[str, tuple[int, ...]]] = defaultdict(dict)
    values = 0
    with safe_open(path, framework="pt") as tensors:
        names = tensors.keys()
        if not 0 < len(names) <= MAX_TENSORS:
            raise ValueError(f"it has {len(names)} tensors; 1 to {MAX_TENSORS} are allowed")
        _check_settings(tensors.metadata() or {})
        for name in names:
            part, tensor = _part(name), tensors.get_tensor(name)
            _check_values(name, tensor)
            values += tensor.numel()
            if part["side"] and part["rest"].endswith("weight"):
                side = "down" if part["side"] in ("A", "down") else "up"
                shapes[name[: part.start("side")]][side] = tuple(tensor.shape)
    for layer, pair in shapes.items():
        _check_pair(layer, pair)
    return LoraFile(path, len(shapes), values, stamp)


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def _check_size(path: Path) -> None:
    """Before the file is parsed: its size, and the size of its table of tensors."""
    if path.stat().st_size > MAX_BYTES:
        raise ValueError("the file is too large")
    with path.open("rb") as file:
        if int.from_bytes(file.read(8), "little") > MAX_HEADER:
            raise ValueError("its table of tensors is too large")


def _check_settings(metadata: Mapping[str, str]) -> None:
    """The settings that diffusers would hand to peft as they are."""
    try:
        settings = json.loads(metadata.get("lora_adapter_metadata", "{}"))
    except (ValueError, RecursionError) as error:
        raise ValueError("its settings are no JSON") from error
    if not isinstance(settings, dict):
        raise ValueError("its settings are no JSON object")
    for key, value in settings.items():
        word = key.rpartition(".")[2]
        if not _is_harmless(word, value):
            raise ValueError(f"its setting {word[:40]!r} is not allowed to be what it is")


def _is_harmless(word: str, value: Any) -> bool:
    """Peft's defaults are. Some other initialisations rewrite the weights that all share."""
    if word in ("r", "lora_alpha", "lora_dropout"):
        return _is_number(value)
    if word in ("rank_pattern", "alpha_pattern"):
        return isinstance(value, dict) and all(
            PLAIN_PATTERN.fullmatch(k) and _is_number(v) for k, v in value.items()
        )
    if word in ("target_modules", "exclude_modules"):
        names = value or []
        return isinstance(names, list) and all(PLAIN_PATTERN.fullmatch(str(n)) for n in names)
    if word == "init_lora_weights":
        return value in (True, False, "gaussian")
    if word in SWITCHES:
        return isinstance(value, bool)
    return word in FREE or value == DEFAULTS.get(word)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and 0 <= value <= 16 * MAX_RANK


def _part(name: str) -> re.Match[str]:
    found = PART.fullmatch(name)
    if not found:
        raise ValueError(f"{name[:80]!r} is not the name of a part of a LoRA")
    return found


def _check_values(name: str, tensor: Tensor) -> None:
    if not tensor.numel() or tensor.ndim > 4:
        raise ValueError(f"{name!r} is empty or has too many dimensions")
    if not (tensor.is_floating_point() or name.endswith("alpha")):
        raise ValueError(f"{name!r} does not hold floating-point numbers")
    if not bool(tensor.float().isfinite().all()):
        raise ValueError(f"{name!r} holds values that are not finite numbers")


def _check_pair(layer: str, pair: Mapping[str, tuple[int, ...]]) -> None:
    """Down to `rank` values and up again: both must be there and agree."""
    if len(pair) != 2 or any(len(shape) < 2 for shape in pair.values()):
        raise ValueError(f"{layer!r} is not a pair of matrices")
    if pair["down"][0] != pair["up"][1]:
        raise ValueError(f"the ranks of {layer!r} disagree: {pair['down'][0]} and {pair['up'][1]}")
    if pair["down"][0] > MAX_RANK:
        raise ValueError(f"the rank of {layer!r} is {pair['down'][0]}; {MAX_RANK} is the most")
