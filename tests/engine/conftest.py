"""What the engine's tests share: one thread, and a tiny model on disk."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import pytest
import torch
from engine import tiny

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Flux model in diffusers' format with a `serving.json`."""
    path = tmp_path_factory.mktemp("models") / "tiny-flux"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tiny.flux().save_pretrained(path)
    (path / "serving.json").write_text(json.dumps(tiny.WISHES))
    return path
