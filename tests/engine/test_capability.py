"""A request that the model cannot run is refused at submit, naming the field."""

from __future__ import annotations

from typing import Any

import pytest
from friendli_engine.capability import check
from friendli_engine.errors import EngineError, from_kind
from friendli_engine.request import ImageRequest, ModelInfo, Pixels

PLAIN: dict[str, Any] = {
    "id": "m", "family": "flux", "width": 64, "height": 64, "steps": 4, "guidance": 3.5
}  # fmt: skip
PICTURE = Pixels(1, 1, b"rgb")


@pytest.mark.parametrize(
    ("asked", "model", "kind", "param"),
    [
        ({"adapter": "x"}, {"adapters": ("a", "b")}, "UnknownAdapterError", "adapter"),
        ({"images": (PICTURE,)}, {}, "NotSupportedError", "images"),
        (
            {"images": (PICTURE,) * 2},
            {"edits": True, "max_images": 1},
            "NotSupportedError",
            "images",
        ),
        ({"control_images": (PICTURE,)}, {}, "NotSupportedError", "control_images"),
        (
            {"control_images": (PICTURE,), "images": (PICTURE,)},
            {"controlnets": ("c",), "edits": True},
            "NotSupportedError",
            "control_images",
        ),
        (
            {"control_images": (PICTURE, PICTURE)},
            {"controlnets": ("c",)},
            "InvalidRequestError",
            "control_images",
        ),
        (
            {"control_images": (PICTURE,), "control_weights": (0.5, 0.5)},
            {"controlnets": ("c",)},
            "InvalidRequestError",
            "control_weights",
        ),
        ({"images": (Pixels(2, 2, b"short"),)}, {"edits": True}, "InvalidRequestError", "images"),
        ({"images": (Pixels(0, 5, b""),)}, {"edits": True}, "InvalidRequestError", "images"),
        ({"steps": 0}, {}, "InvalidRequestError", "steps"),
        ({"seed": 2**64}, {}, "InvalidRequestError", "seed"),
        ({"width": 60}, {"multiple": 16}, "InvalidRequestError", "width"),
        ({"height": -16}, {"multiple": 16}, "InvalidRequestError", "height"),
        ({"width": 4096}, {"max_pixels": 4096}, "InvalidRequestError", "width"),
        ({"height": 4096}, {"max_pixels": 4096}, "InvalidRequestError", "height"),
    ],
)
def test_what_a_model_cannot_do_is_refused_naming_the_field(
    asked: dict[str, Any], model: dict[str, Any], kind: str, param: str
) -> None:
    plain: dict[str, Any] = {"id": "r", "prompt": "p", "seed": 1}
    request = ImageRequest(**plain | asked)
    with pytest.raises(EngineError) as refusal:
        check(request, ModelInfo(**PLAIN | model))
    assert (refusal.value.kind, refusal.value.param) == (kind, param)


def test_the_refusal_of_an_adapter_names_the_known_ones() -> None:
    request = ImageRequest(id="r", prompt="p", seed=1, adapter="x")
    with pytest.raises(EngineError, match="'ink', 'sketch'"):
        check(request, ModelInfo(**PLAIN, adapters=("sketch", "ink")))


def test_what_a_model_can_do_is_let_through() -> None:
    model = ModelInfo(**PLAIN, adapters=("a",), controlnets=("c", "d"), edits=True)
    check(ImageRequest(id="r", prompt="p", seed=-(2**63), adapter="a", images=(PICTURE,)), model)
    check(ImageRequest(id="r", prompt="p", seed=2**64 - 1, control_images=(PICTURE,)), model)


def test_errors_cross_process_boundaries_as_the_same_class() -> None:
    crossed = from_kind("NotFiniteError", "text", param="p")
    assert (type(crossed).__name__, crossed.message, crossed.param) == (
        "NotFiniteError",
        "text",
        "p",
    )
    assert type(from_kind("Nonsense", "text")) is EngineError
