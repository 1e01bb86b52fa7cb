"""A process that only talks to a worker pays for no torch; offline users get short names."""

from __future__ import annotations

import subprocess
import sys

import friendli_engine
import pytest


@pytest.mark.parametrize("module", ["", ".client", ".request", ".errors", ".protocol"])
def test_importing_the_client_side_loads_no_torch(module: str) -> None:
    code = f"import sys, friendli_engine{module}; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_public_names_are_these_and_all_resolve() -> None:
    names = ["Engine", "EngineClient", "ImageRequest", "InlineClient", "Pixels", "load"]
    assert friendli_engine.__all__ == names
    assert all(getattr(friendli_engine, name) for name in names)
    with pytest.raises(AttributeError):
        _ = friendli_engine.nonsense
