"""What already lies on this machine against its digests: read where it lies, never copied.

Knows no stores.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from pathlib import Path

from friendli_server.weights import sums
from friendli_server.weights.place import Place, Progress, WeightsError


async def verify(place: Place, *, progress: Progress) -> None:
    """Read all of a local `place` that has digests: a pin, or `SHA256SUMS` in its folder.

    Without either nothing is read.

    Raises:
        WeightsError: a file is missing, differs, or is not listed.
    """
    try:
        digests = _digests(Path(place.where), place.pin)
        total, done = sum(file.stat().st_size for file in digests), 0
        for file, digest in digests.items():
            progress(file.name, done, total)
            if await asyncio.to_thread(sums.digest_of, file) != digest:
                raise WeightsError(f"{file}: not what its sha256 says.")
            done += file.stat().st_size
    except OSError as error:
        raise WeightsError(f"{error.filename or place.where}: {error.strerror}.") from error


def _digests(path: Path, pin: str | None) -> Mapping[Path, str]:
    if path.is_dir():
        return _of_folder(path, pin)
    if path.is_file():
        digest = pin or _listed(path.parent, None).get(path.name)
        return {path: digest} if digest else {}
    if pin:
        why = "no such file or folder; a hub model is pinned by its commit: org/name@COMMIT"
        raise WeightsError(f"{path}: {why}.")
    return {}


def _of_folder(folder: Path, pin: str | None) -> Mapping[Path, str]:
    listed = _listed(folder, pin)
    if listed:
        for path in folder.rglob("*"):
            if path.suffix in sums.READ and str(path.relative_to(folder)) not in listed:
                raise WeightsError(f"{path}: {sums.NAME} does not list it.")
    return {folder / name: digest for name, digest in listed.items()}


def _listed(folder: Path, pin: str | None) -> Mapping[str, str]:
    listing = folder / sums.NAME
    if not (pin or listing.is_file()):
        return {}
    content = listing.read_bytes()
    if pin and hashlib.sha256(content).hexdigest() != pin:
        raise WeightsError(f"{listing}: not the one that is pinned.")
    return sums.parse(content, of=str(listing))
