"""Fixed latents: a linear map of 16x16 patches to 32 numbers, fitted once.

The transformer can learn on it from the first minute, while a decoder learns to turn it into crisp
pictures. Half-whitened: coarse components stay larger than fine ones.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F

PATCH, CHANNELS = 16, 32


@dataclass(frozen=True)
class PatchBasis:
    """`mean` [768], `basis` [768, 32], `scale` [32] (standard deviation of 1 over all numbers)."""

    mean: torch.Tensor
    basis: torch.Tensor
    scale: torch.Tensor

    @classmethod
    def fit(cls, pictures: torch.Tensor) -> PatchBasis:
        """Principal components of the patches of pictures [N, 3, R, R] in 0..1."""
        flat = F.unfold(pictures * 2 - 1, PATCH, stride=PATCH).transpose(1, 2).flatten(0, 1)
        mean = flat.mean(0)
        power, vectors = torch.linalg.eigh(torch.cov((flat - mean).T))
        basis = vectors.flip(1)[:, :CHANNELS].contiguous()
        scale = power.flip(0)[:CHANNELS].sqrt().sqrt()
        spread = ((flat - mean) @ basis / scale).std()
        return cls(mean, basis, scale * spread)

    def encode(self, pictures: torch.Tensor) -> torch.Tensor:
        """Pictures [B, 3, R, R] in 0..1 to latents [B, 32, R/16, R/16]."""
        flat = F.unfold(pictures * 2 - 1, PATCH, stride=PATCH).transpose(1, 2)
        side = pictures.shape[-1] // PATCH
        numbers: torch.Tensor = (flat - self.mean) @ self.basis / self.scale
        return numbers.transpose(1, 2).reshape(len(pictures), -1, side, side)

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """The linear inverse: blocky, but exact about what the latents hold."""
        flat = (latents.flatten(2).transpose(1, 2) * self.scale) @ self.basis.T + self.mean
        size = latents.shape[-1] * PATCH
        return ((F.fold(flat.transpose(1, 2), size, PATCH, stride=PATCH) + 1) / 2).clamp(0, 1)

    def save(self, path: Path) -> None:
        """Write the three tensors."""
        torch.save({"mean": self.mean, "basis": self.basis, "scale": self.scale}, path)

    @classmethod
    def load(cls, path: Path, device: torch.device | str = "cpu") -> PatchBasis:
        """Read what `save` wrote."""
        return cls(**torch.load(path, map_location=device, weights_only=True))


def pack(latents: torch.Tensor) -> torch.Tensor:
    """[B, C, H, W] to the 2x2-packed tokens [B, H/2 * W/2, 4C] of the Flux pipelines."""
    count, channels, high, wide = latents.shape
    blocks = latents.view(count, channels, high // 2, 2, wide // 2, 2).permute(0, 2, 4, 1, 3, 5)
    return blocks.reshape(count, high * wide // 4, 4 * channels)


def unpack(tokens: torch.Tensor) -> torch.Tensor:
    """The inverse of `pack` for square pictures."""
    count, cells, numbers = tokens.shape
    side = math.isqrt(cells)
    blocks = tokens.view(count, side, side, numbers // 4, 2, 2).permute(0, 3, 1, 4, 2, 5)
    return blocks.reshape(count, numbers // 4, 2 * side, 2 * side)


@torch.no_grad()
def write_encoder(basis: PatchBasis, encoder: torch.nn.Module, *, scale: float) -> None:
    """Make an activation-free `EncoderTiny` (width 64, five levels) the basis, divided by `scale`.

    Its strided convolutions gather 4x4 blocks exactly, then the 64 numbers of each 8x8 block that
    the basis reads most, then the latents: a linear map is computed, not trained.
    """
    convolutions = [layer for layer in encoder.modules() if isinstance(layer, torch.nn.Conv2d)]
    for layer in convolutions:
        layer.weight.zero_()
    first, *downs, last = convolutions
    read = 2 * (basis.basis / basis.scale).view(3, 2, 2, 2, 2, 2, 2, 2, 2, CHANNELS)
    # colour, then 8s, 4s, 2s, 1s of y and of x -> x and y of each level, finest and colour inmost
    read = read.permute(1, 5, 2, 6, 3, 7, 4, 8, 0, 9).reshape(4, 192, CHANNELS)
    blocks, _, _ = torch.linalg.svd(read.transpose(0, 1).reshape(192, -1), full_matrices=False)
    blocks = blocks[:, : first.out_channels]
    first.weight[range(3), range(3), 1, 1] = 1.0
    latents = (blocks.T @ read).permute(2, 0, 1).flatten(1)
    gathered = (torch.eye(12), torch.eye(48), blocks.T, latents)
    for layer, matrix in zip(downs, gathered, strict=True):
        window = matrix.reshape(len(matrix), 2, 2, -1).permute(0, 3, 1, 2)
        layer.weight[: len(matrix), : window.shape[1], 1:, 1:] = window
    last.weight[range(CHANNELS), range(CHANNELS), 1, 1] = 1 / scale
    mean = ((1 + basis.mean) @ basis.basis / basis.scale) / scale
    assert first.bias is not None
    assert last.bias is not None
    first.bias.zero_()
    last.bias.copy_(-mean)
