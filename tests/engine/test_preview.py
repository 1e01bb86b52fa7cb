"""Previews: small pictures of the current latents, every k steps, that change no byte."""

from __future__ import annotations

import pytest
import torch
from engine import tiny, zoo
from engine.weaving import plainly, request
from friendli_engine.engine import Engine
from friendli_engine.preview import Preview
from friendli_engine.request import Finished
from friendli_engine.request import Preview as Shown


@pytest.mark.parametrize("make", [tiny.flux, zoo.sd3], ids=["packed", "plain"])
def test_a_preview_every_k_steps_but_not_for_the_last(make: object) -> None:
    model = tiny.model(make())  # type: ignore[operator]
    asked = request("shown", steps=6, preview_every=2)
    expected = plainly(model, asked)
    with Engine(model) as engine:
        events = list(engine.generate([asked]))
    shown = [event for event in events if isinstance(event, Shown)]
    assert [event.step for event in shown] == [2, 4]
    assert {(e.pixels.width, e.pixels.height, len(e.pixels.data)) for e in shown} == {(4, 4, 48)}
    assert shown[0].pixels != shown[1].pixels
    assert [e.pixels.data for e in events if isinstance(e, Finished)] == [expected]


def test_without_being_asked_for_there_is_none() -> None:
    with Engine(tiny.model(tiny.flux())) as engine:
        assert not [e for e in engine.generate([request("plain")]) if isinstance(e, Shown)]


class LinearDecoder:
    """A decoder that is a linear map, which a preview must find exactly."""

    config = type("Config", (dict,), {"__getattr__": dict.__getitem__})(
        scaling_factor=0.5, shift_factor=0.25, latent_channels=3
    )
    device, dtype = torch.device("cpu"), torch.float32

    def decode(self, latents: torch.Tensor, *, return_dict: bool) -> tuple[torch.Tensor]:
        assert not return_dict
        return (torch.nn.functional.interpolate(latents.flip(1) / 10, scale_factor=8.0),)


def test_a_linear_decoder_is_matched_exactly() -> None:
    latents = torch.rand(1, 3, 2, 2)
    pixels = Preview(LinearDecoder())(None, latents, (16, 16))
    assert pixels
    shown = torch.frombuffer(bytearray(pixels.data), dtype=torch.uint8).reshape(2, 2, 3)
    decoded = (latents / 0.5 + 0.25).flip(1) / 10
    expected = (decoded * 127.5 + 127.5)[0].movedim(0, -1)
    assert (shown - expected).abs().max() <= 0.51
