"""Builds the documentation site: the pages of `docs/`, and reference pages written from the code.

`./x docs` builds it into `dist/docs/site`; another folder may be named. Needs no network.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import reference  # beside this file

ROOT = Path(__file__).parents[1]


def build(folder: Path) -> Path:
    """The site, in `folder`; raises `CalledProcessError` if a page or a link is broken."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "docs", folder / "docs")
    shutil.copy(ROOT / "zensical.toml", folder)
    reference.write(folder / "docs" / "reference")
    command = [sys.executable, "-m", "zensical", "build", "--clean", "--strict"]
    subprocess.run(command, cwd=folder, check=True)
    return folder / "site"


if __name__ == "__main__":
    chosen = Path(sys.argv[1]) if sys.argv[1:] else ROOT / "dist" / "docs"
    print(f"{build(chosen) / 'index.html'}")
