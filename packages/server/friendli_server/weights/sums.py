"""`SHA256SUMS`, as coreutils write it: which files belong to a model, and what they must be.

Knows no files but their names: what could lead out of a folder is refused here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from friendli_server.weights.place import WEIGHTS, WeightsError

NAME = "SHA256SUMS"
READ = frozenset({*WEIGHTS, ".json", ".txt", ".model"})
"""Kinds of files that a model is read from. Others, `.bin` and `.py` among them, stay away."""
_LINE = re.compile(r"(?P<digest>[0-9a-fA-F]{64}) [ *](?P<path>[^\\\x00-\x1f\x7f]+)")
_MOST = 10_000


def parse(content: bytes, *, of: str) -> Mapping[str, str]:
    """Digests by path, of the files that models are read from; `of` names the list in errors.

    Raises:
        WeightsError: a line that `sha256sum` would not write, or a path that leaves the folder.
    """
    lines = content.decode("utf-8", "replace").splitlines()
    if len(lines) > _MOST:
        raise WeightsError(f"{of}: more than {_MOST} lines.")
    listed = dict(_entry(line, f"{of}, line {at}") for at, line in enumerate(lines, 1) if line)
    return {path: digest for path, digest in listed.items() if PurePosixPath(path).suffix in READ}


def digest_of(file: Path) -> str:
    """The sha256 of what lies at `file`."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _entry(line: str, at: str) -> tuple[str, str]:
    found = _LINE.fullmatch(line)
    if not found:
        raise WeightsError(f"{at}: not a line of sha256sum.")
    path = PurePosixPath(found["path"])  # which drops "./"
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise WeightsError(f"{at}: {found['path']!r} leads out of the folder.")
    return str(path), found["digest"].lower()
