"""Cheap small pictures of latents that are still noisy: one linear map from latents to colour.

The map is fitted to the model's own decoder by least squares, so no table of factors is needed for
any model. Knows decoders and latents; nothing of requests.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, interpolate

from .request import Pixels

SAMPLES, SIDE = 8, 8


class Preview:
    """Colour from latents, one pixel for each latent cell.

    Only for decoders that scale and shift their latents as a whole; `fits` says whether one does.
    """

    def __init__(self, vae: Any) -> None:
        config = vae.config
        scale, shift = config.scaling_factor, getattr(config, "shift_factor", None) or 0.0
        channels = config.latent_channels
        latents = _smooth(channels).to(vae.device)
        decoded = vae.decode((latents / scale + shift).to(vae.dtype), return_dict=False)[0]
        colours = adaptive_avg_pool2d(decoded.float(), SIDE).movedim(1, -1).reshape(-1, 3)
        cells = latents.movedim(1, -1).reshape(-1, channels)
        self._map = torch.linalg.lstsq(_with_one(cells).cpu(), colours.cpu()).solution

    @staticmethod
    def fits(vae: Any) -> bool:
        """Whether previews can be made from this decoder's latents."""
        config = getattr(vae, "config", {})
        return "scaling_factor" in config and "latent_channels" in config

    def __call__(self, view: Any, latents: Tensor, size: tuple[int, int]) -> Pixels | None:
        """The first picture of `latents`, as `view`'s pipeline holds them at output `size`."""
        if latents.ndim == 3 and hasattr(view, "_unpack_latents"):
            width, height = size
            latents = view._unpack_latents(latents, height, width, view.vae_scale_factor)  # noqa: SLF001
        if latents.ndim != 4 or latents.shape[1] + 1 != len(self._map):
            return None
        cells = latents[0].movedim(0, -1).float().cpu()
        colours = (_with_one(cells) @ self._map).mul(127.5).add(127.5).clamp(0, 255)
        height, width, _ = colours.shape
        return Pixels(width, height, colours.round().to(torch.uint8).numpy().tobytes())


def _with_one(cells: Tensor) -> Tensor:
    return torch.cat([cells, torch.ones_like(cells[..., :1])], dim=-1)


def _smooth(channels: int) -> Tensor:
    """Latents of plain areas: what a decoder shows as colour rather than as texture."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.randn(SAMPLES, channels, SIDE // 4, SIDE // 4, generator=generator)
    return interpolate(coarse, size=(SIDE, SIDE), mode="nearest")
