"""From a diffusers model directory or hub id to a `Model`: safetensors only, never foreign code.

Puts together what `hub` fetched and `parts` read. Knows nothing of requests and batching.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import diffusers
import torch

from . import hub
from .errors import LoadError, ModelCorruptError, ModelNotFoundError, ModelUnsupportedError
from .families import Family, family_of, fitted
from .hub import Progress
from .model import Model
from .parts import check_finite, classes, load_network, load_parts, read_json
from .request import ModelInfo

log = logging.getLogger(__name__)

MAX_IMAGES = 8
"""Pictures in one edit of a family that takes several."""
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def load(
    source: str | Path,
    *,
    device: str = "auto",
    dtype: str = "auto",
    controlnets: Mapping[str, str | Path] | None = None,
    progress: Progress = lambda *_: None,
) -> Model:
    """Load the pipelines of `source`, a directory or a hub id, optionally "id@revision".

    Args:
        source: where the model is.
        device: "auto", "cpu", "cuda" or "cuda:1".
        dtype: "auto", "float32", "bfloat16" or "float16".
        controlnets: directories or hub ids of ControlNets by name; the i-th control image of a
            request is for the i-th of them.
        progress: told the phase ("fetching", "loading"), what is at work, and the phase's fraction.

    Raises:
        ModelNotFoundError: nothing is there, or no diffusers model.
        ModelCorruptError: a file or tensor is missing or damaged; the message names it.
        ModelUnsupportedError: unknown pipeline class, foreign code or pickled weights.
    """
    directory = find(source, progress=progress)
    where = torch.device(_device(device))
    kind = DTYPES[_dtype(dtype, where)]
    base = _load_pipeline(directory, kind, progress).to(where)
    nets = {
        name: _load_controlnet(name, path, kind, progress).to(where).eval()
        for name, path in (controlnets or {}).items()
    }
    for name, part in (base.components | nets).items():
        if isinstance(part, torch.nn.Module):
            check_finite(name, part)
    name = Path(source).name if Path(source).exists() else str(source).partition("@")[0]
    return assemble(base, controlnets=nets, wishes=_wishes(directory), name=name)


def prepare(source: str | Path) -> None:
    """Import the classes that `load` will need, and load nothing.

    Raises:
        LoadError: as `load`.
    """
    index = read_json(find(source, progress=lambda *_: None) / "model_index.json")
    base = _pipeline_class(index)
    family = family_of(base.__name__)
    for name in (family.control, family.edit, family.inpaint) if family else ():
        getattr(diffusers, name or base.__name__)
    classes(index)


def find(source: str | Path, *, marker: str = "model_index.json", progress: Progress) -> Path:
    """The directory at `source`, which is fetched first if it is a hub id."""
    directory = Path(source)
    if not directory.exists() and hub.is_id(str(source)):
        directory = hub.fetch(str(source), marker=marker, progress=progress)
    if directory.is_file():
        raise ModelUnsupportedError(f"{directory.name} is one file: a model is a directory.")
    if not directory.is_dir():
        raise ModelNotFoundError(f"There is no model directory at {str(source)!r}.")
    if not (directory / marker).is_file():
        raise ModelNotFoundError(f"{str(source)!r} has no {marker}: not a diffusers model.")
    return directory


def _pipeline_class(index: Mapping[str, Any]) -> type:
    name = index.get("_class_name")
    found = getattr(diffusers, name, None) if isinstance(name, str) else None
    if not (isinstance(found, type) and issubclass(found, diffusers.DiffusionPipeline)):
        raise ModelUnsupportedError(f"{name!r} is not a pipeline class of diffusers.")
    return found


def _device(asked: str) -> str:
    return ("cuda" if torch.cuda.is_available() else "cpu") if asked == "auto" else asked


def _dtype(asked: str, device: torch.device) -> str:
    """bfloat16 where the device computes in it; elsewhere it is emulated and far slower."""
    if asked in DTYPES:
        return asked
    if asked != "auto":
        raise LoadError(f"Unknown dtype {asked!r}; known are auto, {', '.join(DTYPES)}.")
    native = device.type != "cpu" or torch.cpu._is_avx512_bf16_supported()  # noqa: SLF001
    return "bfloat16" if native else "float32"


def _load_pipeline(directory: Path, dtype: torch.dtype, progress: Progress) -> Any:
    index = read_json(directory / "model_index.json")
    pipeline_class: Any = _pipeline_class(index)
    parts = load_parts(directory, index, dtype, progress)
    try:
        return pipeline_class.from_pretrained(directory, **parts, local_files_only=True)
    except Exception as error:
        text = f"The model at {str(directory)!r} could not be loaded: {type(error).__name__}."
        raise ModelCorruptError(text) from error


def _load_controlnet(name: str, source: str | Path, dtype: torch.dtype, progress: Progress) -> Any:
    try:
        directory = find(source, marker="config.json", progress=progress)
        class_name = read_json(directory / "config.json").get("_class_name")
        found = getattr(diffusers, str(class_name), None)
        if found is None or "ControlNet" not in str(class_name):
            raise ModelUnsupportedError(f"{class_name!r} is no ControlNet class of diffusers.")
        return load_network(directory, found, dtype)
    except LoadError as error:
        raise type(error)(f"ControlNet {name!r}: {error.message}") from error


def _wishes(directory: Path) -> dict[str, Any]:
    """`serving.json` beside the model: its native size, steps, guidance and text length."""
    path = directory / "serving.json"
    return read_json(path) if path.is_file() else {}


def assemble(
    base: Any,
    *,
    family: Family | None = None,
    controlnets: Mapping[str, Any] | None = None,
    wishes: Mapping[str, Any] | None = None,
    name: str = "model",
) -> Model:
    """The model around a loaded pipeline; the other tasks' pipelines share its networks."""
    wishes, controlnets = wishes or {}, controlnets or {}
    family = family or family_of(type(base).__name__) or _infer(type(base))
    family = fitted(family, _configurations(base))
    modes = _control_modes(family, controlnets)
    pipelines = _pipelines(base, family, wishes, list(controlnets.values()))
    network = base.components.get("transformer") or base.components["unet"]
    info = ModelInfo(
        id=str(wishes.get("id", name)),
        family=family.name,
        width=int(wishes.get("width", family.width)),
        height=int(wishes.get("height", family.height)),
        steps=int(wishes.get("steps", family.steps)),
        guidance=float(wishes.get("guidance", family.default_guidance)),
        controlnets=tuple(controlnets),
        edits="edit" in pipelines,
        inpaints="inpaint" in pipelines,
        max_images=1 if family.several == "none" else MAX_IMAGES,
        generates="generate" in pipelines,
        device=str(network.device),
        dtype=str(network.dtype).removeprefix("torch."),
        multiple=family.multiple,
        max_pixels=int(wishes.get("max_pixels", family.max_pixels)),
    )
    fixed = {"max_sequence_length": _text_length(base, wishes)}
    free = bool(wishes.get("free_aspect", True))
    return Model(
        info, family, pipelines, network.device, network.dtype, fixed, free, modes,
        outlined=wishes.get("outline", ()),
    )  # fmt: skip


def _configurations(base: Any) -> dict[str, Any]:
    parts = {name: getattr(part, "config", None) for name, part in base.components.items()}
    return {name: config for name, config in parts.items() if isinstance(config, Mapping)} | {
        "": base.config
    }


def _control_modes(family: Family, controlnets: Mapping[str, Any]) -> tuple[int | None, ...]:
    """A union ControlNet follows what it is called: "canny", "depth-2"; others have no mode."""
    modes: list[int | None] = []
    for name, net in controlnets.items():
        word = name.split("-")[0]
        if getattr(net, "union", False) and word not in family.control_modes:
            known = ", ".join(family.control_modes)
            text = (
                f"A union ControlNet must be called what it is to follow ({known}), not {name!r}."
            )
            raise ModelUnsupportedError(text)
        modes.append(family.control_modes.index(word) if getattr(net, "union", False) else None)
    return tuple(modes)


def _pipelines(
    base: Any, family: Family, wishes: Mapping[str, Any], controlnets: list[Any]
) -> dict[str, Any]:
    base.set_progress_bar_config(disable=True)
    pipelines = {"generate": base} if family.generate else {}
    if wishes.get("edits", True):
        tasks = {"edit": family.edit, "inpaint": family.inpaint}
        pipelines |= {task: _sibling(base, name) for task, name in tasks.items() if name}
    if controlnets:
        if not family.control:
            raise ModelUnsupportedError(f"Models of family {family.name!r} take no ControlNets.")
        for count in range(1, len(controlnets) + 1):
            net = controlnets[0] if count == 1 else controlnets[:count]
            pipelines[f"control-{count}"] = _sibling(base, family.control, controlnet=net)
    return pipelines


def _sibling(base: Any, class_name: str, **extra: Any) -> Any:
    """Another task's pipeline over the same networks."""
    cls = getattr(diffusers, class_name)
    if type(base) is cls:
        return base
    accepted = inspect.signature(cls.__init__).parameters
    shared = {k: v for k, v in base.components.items() if k in accepted}
    return cls(**shared, **extra)


def _text_length(base: Any, wishes: Mapping[str, Any]) -> int | None:
    """Tokens of text that the model was made for; None leaves the pipeline's default."""
    if "max_text_length" in wishes:
        return int(wishes["max_text_length"])
    tokenizer = base.components.get("tokenizer_2") or base.components.get("tokenizer")
    length = getattr(tokenizer, "model_max_length", None)
    default = inspect.signature(base.__call__).parameters.get("max_sequence_length")
    return min(length, default.default) if length and default else None


def _infer(pipeline_class: Any) -> Family:
    log.warning("No record for %s: running with inferred defaults.", pipeline_class.__name__)
    accepted = inspect.signature(pipeline_class.__call__).parameters
    steps = accepted.get("num_inference_steps")
    true_cfg = "true_cfg_scale" in accepted and "guidance_scale" not in accepted
    return Family(
        name=pipeline_class.__name__,
        generate=pipeline_class.__name__,
        guidance="true_cfg_scale" if true_cfg else "guidance_scale",
        steps=steps.default if steps else 50,
    )
