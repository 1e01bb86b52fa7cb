"""Puts the training code on the path: it is not an installed package."""

import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[2] / "training"))
torch.set_num_threads(1)
