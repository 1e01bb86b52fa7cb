"""Generate the blocking client from the asynchronous one: `python scripts/unasync.py [--check]`.

A line-by-line rewriting of words; `--check` writes nothing and fails when the result would differ.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "packages/sdk/friendli"
WORDS = {
    r"async def": "def",
    r"async (with|for)": r"\1",
    r"await ": "",
    r"AsyncGenerator": "Generator",
    r"\bAny, None\]": "Any, None, None]",
    r"httpx2\.AsyncClient": "httpx2.Client",
    r"AsyncHttpClient": "AsyncHttpClient",
    r"Async([A-Z]\w+)": r"Sync\1",
    r"__a(enter|exit|iter|next)__": r"__\1__",
    r"\ba(close|read)\b": r"\1",
    r"configuration\.async_client": "configuration.client",
    r"from anyio import sleep": "from time import sleep",
    r"\b_async\b": "_sync",
    r"The asynchronous client\. [^\"]*": "The blocking client; generated, do not edit.",
}
"""Rewritten in this order; a word that maps to itself is left alone by the later ones."""


def blocking(source: str) -> str:
    """The blocking form of asynchronous code."""
    pattern = re.compile("|".join(f"(?P<w{i}>{word})" for i, word in enumerate(WORDS)))
    return pattern.sub(_rewritten, source)


def _rewritten(match: re.Match[str]) -> str:
    word, replacement = list(WORDS.items())[int((match.lastgroup or "w0")[1:])]
    return re.sub(word, replacement, match.group())


def formatted(source: str) -> str:
    """Tidy: rewritten words change line lengths and the order of imports."""
    for verb in (["check", "--fix-only", "--select=I"], ["format"]):
        command = [
            sys.executable,
            "-m",
            "ruff",
            *verb,
            "-q",
            f"--stdin-filename={PACKAGE}/_sync/a.py",
            "-",
        ]
        source = subprocess.run(  # our own formatter on our own text
            command, input=source, cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
    return source


def main() -> int:
    """Write every file that differs; with `--check` only name them."""
    check = "--check" in sys.argv
    target = PACKAGE / "_sync"
    target.mkdir(exist_ok=True)
    made = {
        path.name: formatted(blocking(path.read_text()))
        for path in sorted((PACKAGE / "_async").glob("*.py"))
    }
    kept = {path.name: path.read_text() for path in target.glob("*.py")}
    stale = sorted(name for name in made | kept if made.get(name) != kept.get(name))
    if check and stale:
        print("stale, run scripts/unasync.py:", *stale, file=sys.stderr)
        return 1
    for name in stale:
        if name in made:
            (target / name).write_text(made[name])
        else:
            (target / name).unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
