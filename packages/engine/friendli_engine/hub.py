"""From a hub id, "owner/name" or "owner/name@revision", to a directory: fetched once, then cached.

Fetches what the model's index names, as safetensors, and compares weights with the hub's sha256;
never code and never pickles. Without the hub (`HF_HUB_OFFLINE=1`, or nothing answers) what the
cache holds is used. Knows no torch and no models.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Callable, Collection, Iterable
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from .errors import ModelCorruptError, ModelNotFoundError
from .protocol import Phase

log = logging.getLogger(__name__)

Progress = Callable[[Phase, str, float], None]
"""Told a phase, what is at work in it, and how much of the phase is done, 0 to 1."""

ID = re.compile(r"[\w.-]+/[\w.-]+(@[\w./-]+)?")
PLAIN = {".json", ".txt", ".model"}
VARIANT = re.compile(r"\.(fp16|bf16|fp32|fp8|non_ema|ema)\b")


def is_id(source: str) -> bool:
    """Whether `source` can be a hub id."""
    return ID.fullmatch(source) is not None


def fetch(source: str, *, marker: str, progress: Progress) -> Path:
    """The directory of a hub model.

    Args:
        source: the id; a revision may be a branch, a tag or, to pin it, a commit.
        marker: the file that makes it a model: "model_index.json" or, of one network,
            "config.json".
        progress: told of every file, by bytes.

    Raises:
        ModelNotFoundError: no such model or revision, no permission, or neither hub nor cache.
        ModelCorruptError: weights that arrived differ from the sha256 that the hub tells.
    """
    from huggingface_hub import errors  # noqa: PLC0415  # only hub ids need the hub

    name, _, revision = source.partition("@")
    try:
        return _download(name, revision or None, marker, progress)
    except errors.GatedRepoError as error:
        text = f"The model {name!r} is gated: accept its terms, then set HF_TOKEN."
        raise ModelNotFoundError(text) from error
    except errors.RevisionNotFoundError as error:
        text = f"The model {name!r} has no revision {revision!r}."
        raise ModelNotFoundError(text) from error
    except errors.RepositoryNotFoundError as error:
        text = f"There is no model {name!r} on the hub, or it is private and HF_TOKEN not set."
        raise ModelNotFoundError(text) from error
    except errors.EntryNotFoundError as error:
        raise ModelNotFoundError(f"The model {name!r} has no {marker}.") from error
    except ModelCorruptError:
        raise
    except Exception as error:  # every way of not reaching a host
        return _cached(name, revision or None, marker, error)


def _download(name: str, revision: str | None, marker: str, progress: Progress) -> Path:
    from huggingface_hub import HfApi  # noqa: PLC0415

    hub = HfApi()
    found = hub.model_info(name, revision=revision, files_metadata=True)
    # Asked for by branch or tag, one file tells the cache which commit that is.
    hub.hf_hub_download(name, marker, revision=revision)
    get = partial(hub.hf_hub_download, name, revision=found.sha)
    root = Path(get(marker)).parent
    sizes = {file.rfilename: file.size or 0 for file in found.siblings or ()}
    names = wanted(sizes, _folders(root / marker))
    digests = {file.rfilename: file.lfs.sha256 for file in found.siblings or () if file.lfs}
    total, done = sum(sizes[file] for file in names) or 1, 0
    for file in names:
        progress("fetching", file, done / total)
        is_new = not (root / file).exists()
        get(file, tqdm_class=_bar(partial(_tell, progress, file, done, total)))
        if is_new and file in digests:
            _verify(root / file, digests[file])
        done += sizes[file]
    progress("fetching", marker, 1.0)
    return root


def _verify(file: Path, digest: str) -> None:
    """The library compares sizes only. What is not as the hub says must not stay in the cache."""
    with file.open("rb") as content:
        if hashlib.file_digest(content, "sha256").hexdigest() == digest:
            return
    file.resolve().unlink()
    file.unlink(missing_ok=True)
    raise ModelCorruptError(f"{file.name} arrived damaged from the hub: its sha256 differs.")


def _tell(progress: Progress, file: str, done: int, total: int, more: int) -> None:
    progress("fetching", file, min((done + more) / total, 1.0))


def _cached(name: str, revision: str | None, marker: str, why: Exception) -> Path:
    from huggingface_hub import snapshot_download  # noqa: PLC0415

    try:
        root = Path(snapshot_download(name, revision=revision, local_files_only=True))
    except Exception:  # whatever the cache lacks
        text = f"The model {name!r} is not in the cache, and the hub cannot be reached."
        raise ModelNotFoundError(text) from why
    if not (root / marker).is_file():
        raise ModelNotFoundError(f"The cache holds only parts of the model {name!r}.") from why
    log.warning("The hub cannot be reached: using %s from the cache.", name)
    return root


def _folders(marker: Path) -> set[str]:
    """The folders that a model's index names; a network on its own lies in the root."""
    if marker.name != "model_index.json":
        return {"."}
    try:
        index = json.loads(marker.read_text(encoding="utf-8"))
    except ValueError:
        return set()  # found again, and said, where it is loaded
    return {name for name, value in index.items() if isinstance(value, list)}


def wanted(files: Iterable[str], folders: Collection[str]) -> list[str]:
    """Those of a repository's `files` that a model in `folders` needs.

    Weights in another precision are passed over where the plain ones are there too; so are single
    files with all of a model's weights in the root of a pipeline.
    """
    paths = [PurePosixPath(file) for file in files]
    inside = [p for p in paths if str(p.parent) in folders and p.suffix in {*PLAIN, ".safetensors"}]
    outside = [p for p in paths if "." not in folders and "/" not in str(p) and p.suffix == ".json"]
    paths = inside + outside
    plain = {p.parent for p in paths if p.suffix == ".safetensors" and not VARIANT.search(p.name)}
    return [str(p) for p in paths if not (p.parent in plain and VARIANT.search(p.name))]


def _bar(told: Callable[[int], None]) -> Any:
    """What huggingface_hub takes for a progress bar: it hears of bytes and draws nothing."""
    from tqdm.auto import tqdm  # type: ignore[import-untyped]  # noqa: PLC0415

    class Bar(tqdm):  # type: ignore[misc]
        def __init__(self, *args: Any, **options: Any) -> None:
            options.pop("name", None)
            super().__init__(*args, **options | {"disable": True})
            self.seen = int(options.get("initial") or 0)

        def update(self, n: float | None = 1) -> None:
            self.seen += int(n or 0)
            told(self.seen)

    return Bar
