"""From a diffusers model directory or hub id to a `Model`: safetensors only, never foreign code.

Everything that can be wrong with a model is found here and said in one sentence. Knows nothing of
requests and batching.
"""

from __future__ import annotations

import inspect
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import diffusers
import torch
from safetensors import SafetensorError, safe_open

from .errors import LoadError, ModelCorruptError, ModelNotFoundError, ModelUnsupportedError
from .families import Family, family_of
from .model import Model
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
) -> Model:
    """Load the pipelines of `source`, a directory or a hub id, optionally "id@revision".

    Raises:
        ModelNotFoundError: nothing is there, or no diffusers model.
        ModelCorruptError: a file is damaged; the message names it.
        ModelUnsupportedError: unknown pipeline class, foreign code or pickled weights.
    """
    directory = find(source)
    index = _read_json(directory / "model_index.json")
    pipeline_class = _pipeline_class(index)
    where = torch.device(_device(device))
    kind = DTYPES[_dtype(dtype, where)]
    base = _load_pipeline(directory, pipeline_class, kind).to(where)
    family = family_of(pipeline_class.__name__) or _infer(pipeline_class)
    nets = [_load_controlnet(name, path, kind, where) for name, path in (controlnets or {}).items()]
    return assemble(
        base, family=family, controlnets=dict(zip(controlnets or {}, nets, strict=True)),
        wishes=_wishes(directory), name=str(source),
    )  # fmt: skip


def find(source: str | Path) -> Path:
    """The model's directory; a hub id is fetched first, without pickles and code."""
    directory = Path(source)
    if not directory.exists() and str(source).count("/") == 1 and not directory.is_absolute():
        directory = _fetch(str(source))
    if not directory.is_dir():
        raise ModelNotFoundError(f"There is no model directory at {str(source)!r}.")
    if not (directory / "model_index.json").is_file():
        raise ModelNotFoundError(f"{str(source)!r} has no model_index.json: not a diffusers model.")
    return directory


def _fetch(source: str) -> Path:
    from huggingface_hub import snapshot_download  # noqa: PLC0415  # only hub ids need the hub

    name, _, revision = source.partition("@")
    patterns = ["*.json", "*.txt", "*.model", "*.safetensors"]
    try:
        return Path(snapshot_download(name, revision=revision or None, allow_patterns=patterns))
    except Exception as error:
        raise ModelNotFoundError(f"The model {source!r} could not be fetched.") from error


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelCorruptError(f"{path.name} is not readable JSON.") from error
    if not isinstance(content, dict):
        raise ModelCorruptError(f"{path.name} does not hold a JSON object.")
    return content


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


def _load_pipeline(directory: Path, pipeline_class: Any, dtype: torch.dtype) -> Any:
    _check_files(directory)
    try:
        return pipeline_class.from_pretrained(
            directory, dtype=dtype, use_safetensors=True, local_files_only=True
        )
    except Exception as error:
        text = f"The model at {str(directory)!r} could not be loaded: {type(error).__name__}."
        raise ModelCorruptError(text) from error


def _check_files(directory: Path) -> None:
    """Name the damaged file: the loaders' own errors do not."""
    for path in sorted(directory.rglob("*.safetensors")):
        try:
            with safe_open(path, framework="pt") as tensors:
                tensors.keys()
        except (SafetensorError, OSError) as error:
            text = f"{path.relative_to(directory)} is damaged or cut short."
            raise ModelCorruptError(text) from error


def _load_controlnet(name: str, path: str | Path, dtype: torch.dtype, device: torch.device) -> Any:
    directory = Path(path)
    if not (directory / "config.json").is_file():
        raise ModelNotFoundError(f"ControlNet {name!r}: there is no config.json at {str(path)!r}.")
    class_name = _read_json(directory / "config.json").get("_class_name")
    found = getattr(diffusers, str(class_name), None)
    if found is None:
        raise ModelUnsupportedError(f"ControlNet {name!r}: unknown class {class_name!r}.")
    _check_files(directory)
    net = found.from_pretrained(directory, dtype=dtype, use_safetensors=True, local_files_only=True)
    return net.to(device).eval()


def _wishes(directory: Path) -> dict[str, Any]:
    """`serving.json` beside the model: its native size, steps, guidance and text length."""
    path = directory / "serving.json"
    return _read_json(path) if path.is_file() else {}


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
    pipelines = _pipelines(base, family, wishes, list(controlnets.values()))
    network = base.components.get("transformer") or base.components["unet"]
    info = ModelInfo(
        id=str(wishes.get("id", Path(name).name)),
        family=family.name,
        width=int(wishes.get("width", family.width)),
        height=int(wishes.get("height", family.height)),
        steps=int(wishes.get("steps", family.steps)),
        guidance=float(wishes.get("guidance", family.default_guidance)),
        controlnets=tuple(controlnets),
        edits="edit" in pipelines,
        max_images=1 if family.several == "none" else MAX_IMAGES,
        generates="generate" in pipelines,
        device=str(network.device),
        dtype=str(network.dtype).removeprefix("torch."),
        multiple=family.multiple,
        max_pixels=int(wishes.get("max_pixels", family.max_pixels)),
    )
    fixed = {"max_sequence_length": _text_length(base, wishes)}
    free = bool(wishes.get("free_aspect", True))
    return Model(info, family, pipelines, network.device, network.dtype, fixed, free)


def _pipelines(
    base: Any, family: Family, wishes: Mapping[str, Any], controlnets: list[Any]
) -> dict[str, Any]:
    base.set_progress_bar_config(disable=True)
    pipelines = {"generate": base} if family.generate else {}
    if family.edit and wishes.get("edits", True):
        pipelines["edit"] = _sibling(base, family.edit)
    if controlnets:
        if not family.control:
            raise ModelUnsupportedError(f"Models of family {family.name!r} take no ControlNets.")
        net = controlnets[0] if len(controlnets) == 1 else controlnets
        pipelines["control"] = _sibling(base, family.control, controlnet=net)
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
