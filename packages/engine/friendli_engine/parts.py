"""A model's parts from its directory, one after the other: safetensors only, never foreign code.

What is wrong with a part is found here and said in one sentence that names the part, the file and
the tensor. Knows files and the libraries' loaders; nothing of families, requests and batching.
"""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from safetensors import SafetensorError, safe_open

from .errors import ModelCorruptError, ModelUnsupportedError
from .hub import Progress

PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
# Diffusers' own Flux ControlNet goes by a name that diffusers deprecates.
warnings.filterwarnings("ignore", "`FluxPosEmbed` is deprecated", FutureWarning)
VARIANT = re.compile(r"\.(\w+)(-\d{5}-of-\d{5})?\.safetensors$")


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file.

    Raises:
        ModelCorruptError: it is missing or holds something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelCorruptError(f"{_short(path)} is missing.") from error
    except (OSError, ValueError) as error:
        raise ModelCorruptError(f"{_short(path)} is not readable JSON.") from error
    if not isinstance(content, dict):
        raise ModelCorruptError(f"{_short(path)} does not hold a JSON object.")
    return content


def load_parts(
    directory: Path, index: Mapping[str, Any], dtype: torch.dtype, progress: Progress
) -> dict[str, Any]:
    """The networks that a `model_index.json` names, in `dtype`, by their names.

    Raises:
        ModelCorruptError: a file or tensor is missing, damaged or of the wrong shape.
        ModelUnsupportedError: a class is not of diffusers or transformers, or weights are pickled.
    """
    networks = {
        name: cls
        for name, cls in classes(index).items()
        if isinstance(cls, type) and issubclass(cls, torch.nn.Module)
    }
    sizes = {name: _size(directory / name) for name in networks}
    total, done, parts = sum(sizes.values()) or 1, 0, {}
    for name, cls in networks.items():
        progress("loading", name, done / total)
        parts[name] = load_network(directory / name, cls, dtype)
        done += sizes[name]
    progress("loading", "model_index.json", 1.0)
    return parts


def classes(index: Mapping[str, Any]) -> dict[str, Any]:
    """The classes of the parts that a `model_index.json` names; asking for one imports it.

    Raises:
        ModelUnsupportedError: one is not of diffusers or transformers.
    """
    return {
        name: _class(name, value)
        for name, value in index.items()
        if isinstance(value, list) and len(value) == 2 and all(value)
    }


def _class(name: str, value: list[str]) -> Any:
    library, class_name = (str(word) for word in value)
    homes = {"diffusers": diffusers, "transformers": transformers}
    home = homes.get(library) or getattr(diffusers.pipelines, library, None)
    if home is None:
        text = f"The part {name!r} is of {library!r}: only diffusers and transformers are trusted."
        raise ModelUnsupportedError(text)
    found = getattr(home, class_name, None)
    if found is None:
        raise ModelUnsupportedError(f"The part {name!r} is of an unknown class, {class_name!r}.")
    return found


def _size(folder: Path) -> int:
    files = (*folder.glob("*.safetensors"), *folder.glob("*.gguf"))
    return sum(file.stat().st_size for file in files)


def load_network(folder: Path, cls: Any, dtype: torch.dtype) -> Any:
    """One network from its folder: `config.json`, and safetensors or one GGUF file.

    Raises:
        ModelCorruptError: a file or tensor is missing, damaged or of the wrong shape.
        ModelUnsupportedError: its weights are pickled, or in a form that a missing package reads.
    """
    read_json(folder / "config.json")
    quantised = sorted(folder.glob("*.gguf"))
    if not quantised:
        _check_files(folder)
    try:
        if quantised:
            return _load_gguf(quantised[0], folder, cls, dtype)
        options = {"use_safetensors": True, "local_files_only": True, "output_loading_info": True}
        kind = "dtype" if issubclass(cls, transformers.PreTrainedModel) else "torch_dtype"
        network, found = cls.from_pretrained(
            folder, **options, **_variant(folder), **{kind: dtype}, low_cpu_mem_usage=True
        )
    except ImportError as error:
        text = f"{folder.name}: these weights need a package that is not installed ({error.name})."
        raise ModelUnsupportedError(text) from error
    except Exception as error:
        text = f"{folder.name} could not be loaded{_blame(folder, cls)}."
        raise ModelCorruptError(text) from error
    _check_arrival(folder, found)
    return network


def _variant(folder: Path) -> dict[str, str]:
    """The variant of all weights in `folder`, if there are no plain ones."""
    found = [VARIANT.search(file.name) for file in folder.glob("*.safetensors")]
    return {"variant": found[0][1]} if found and all(found) and found[0] else {}


def _load_gguf(file: Path, folder: Path, cls: Any, dtype: torch.dtype) -> Any:
    """Weights stay quantised in memory; a layer's are expanded to `dtype` while it works."""
    quantised = diffusers.GGUFQuantizationConfig(compute_dtype=dtype)
    return cls.from_single_file(
        str(file), config=str(folder), quantization_config=quantised, torch_dtype=dtype,
        local_files_only=True,
    )  # fmt: skip


def _check_files(folder: Path) -> None:
    """Name the missing or damaged file: the loaders' own errors do not."""
    files = {path.name for path in folder.glob("*.safetensors")}
    for listing in sorted(folder.glob("*.safetensors.index*.json")):
        named = set(read_json(listing).get("weight_map", {}).values())
        if named - files:
            missing = f"{folder.name}/{min(named - files)}"
            raise ModelCorruptError(f"{missing} is missing.")
    if not files:
        _refuse(folder)
    for name in sorted(files):
        try:
            with safe_open(folder / name, framework="pt") as tensors:
                tensors.keys()
        except (SafetensorError, OSError) as error:
            text = f"{folder.name}/{name} is damaged or cut short."
            raise ModelCorruptError(text) from error


def _refuse(folder: Path) -> None:
    pickles = [path.name for pattern in PICKLES for path in sorted(folder.glob(pattern))]
    if pickles:
        text = f"{folder.name}/{pickles[0]} may run code when read: only safetensors are loaded."
        raise ModelUnsupportedError(text)
    raise ModelCorruptError(f"{folder.name} has no weights: *.safetensors is missing.")


def _blame(folder: Path, cls: Any) -> str:
    """Which tensor has a shape that the configuration does not give it; "" if none is found."""
    try:
        with torch.device("meta"):
            expected = cls.from_config(cls.load_config(folder)).state_dict()
        for path in sorted(folder.glob("*.safetensors")):
            with safe_open(path, framework="pt") as tensors:
                for name in tensors.keys():  # noqa: SIM118  # not a dict
                    shape = tensors.get_slice(name).get_shape()
                    if name in expected and list(expected[name].shape) != shape:
                        return f": {name} in {path.name} has shape {shape}"
    except Exception:  # then the class cannot even be made from its configuration
        return ": its config.json does not fit its class"
    return ""


def _check_arrival(folder: Path, found: Mapping[str, Any]) -> None:
    """A tensor that is not there would be left random."""
    for word, said in (("mismatched_keys", "has another shape"), ("missing_keys", "is missing")):
        if names := found.get(word):
            name = min(n if isinstance(n, str) else str(n[0]) for n in names)
            raise ModelCorruptError(f"{folder.name}: the tensor {name} {said}.")


def check_finite(name: str, network: Any) -> None:
    """Name the tensor that holds no finite numbers.

    A sum is finite only if its terms are: one number per tensor crosses from the device.

    Raises:
        ModelCorruptError: there is one.
    """
    tensors = [(n, t) for n, t in network.named_parameters() if t.is_floating_point()]
    sums = [tensor.detach().sum(dtype=torch.float32) for _, tensor in tensors]
    finite = torch.stack(sums).isfinite().tolist() if sums else []
    for (key, tensor), good in zip(tensors, finite, strict=True):
        if not good and not bool(tensor.isfinite().all()):
            raise ModelCorruptError(f"{name}: the tensor {key} holds NaN or infinity.")


def _short(path: Path) -> str:
    """A file by its folder's name and its own."""
    return path.name if path.name == "model_index.json" else f"{path.parent.name}/{path.name}"
