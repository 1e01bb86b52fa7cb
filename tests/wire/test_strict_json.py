"""What a server sees: JSON types are not coerced, ranges are not judged."""

from __future__ import annotations

import json
from typing import Any

import pytest
from friendli_wire import (
    ContainerImageEditBody,
    ContainerImageGenerationBody,
    DedicatedImageGenerateSuccess,
    ErrorBody,
    FinishedEvent,
    URLImageItem,
)
from pydantic import ValidationError


def parse(**given: Any) -> ContainerImageGenerationBody:
    raw = json.dumps({"prompt": "p"} | given)
    return ContainerImageGenerationBody.model_validate_json(raw, strict=True)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("num_inference_steps", True),
        ("num_inference_steps", "10"),
        ("num_inference_steps", 10.5),
        ("num_inference_steps", None),
        ("guidance_scale", "3.5"),
        ("guidance_scale", True),
        ("guidance_scale", None),
        ("seed", "7"),
        ("seed", 1.5),
        ("prompt", 3),
        ("prompt", None),
        ("model", 3),
        ("response_format", "webp"),
        ("response_format", "JPEG"),
        ("control_images", {"image": "x"}),
        ("control_images", ["x"]),
        ("control_images", [{"image": 3}]),
        ("controlnet_weights", ["1"]),
        ("controlnet_weights", 1.0),
    ],
)
def test_wrong_json_type_is_refused_by_field(field: str, value: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        parse(**{field: value})
    assert caught.value.errors()[0]["loc"][0] == field


def test_an_integer_is_a_number() -> None:
    assert parse(guidance_scale=3, controlnet_weights=[1, 0]).controlnet_weights == [1.0, 0.0]


@pytest.mark.parametrize("seed", [0, -1, 2**53 + 1, 2**64 - 1])
def test_seed_keeps_every_bit(seed: int) -> None:
    assert parse(seed=seed).seed == seed


def test_ranges_are_left_to_the_server() -> None:
    assert parse(num_inference_steps=-3).num_inference_steps == -3


def test_unknown_keys_are_ignored() -> None:
    assert parse(size="512x512") == parse()


@pytest.mark.parametrize("image", [{"image": "u"}, [{"image": "u"}, {"image": "v"}]])
def test_edit_takes_one_picture_or_a_list(image: Any) -> None:
    raw = json.dumps({"prompt": "p", "image": image})
    body = ContainerImageEditBody.model_validate_json(raw, strict=True)
    assert body.model_dump(exclude_unset=True)["image"] == image


def test_base64_survives_the_round_trip() -> None:
    event = FinishedEvent(image=b"aGk=", seed=3)
    assert json.loads(event.model_dump_json(exclude_none=True)) == {"image": "aGk=", "seed": 3}


def test_items_of_a_dedicated_answer_are_told_apart() -> None:
    raw = '{"data":[{"seed":1,"response_format":"url","url":"http://x"}]}'
    [item] = DedicatedImageGenerateSuccess.model_validate_json(raw).data
    assert isinstance(item, URLImageItem)


def test_error_body_speaks_every_dialect() -> None:
    body = ErrorBody.model_validate(
        {
            "message": "no",
            "error": {"message": "no", "type": "invalid_request_error", "param": "seed"},
            "detail": [{"loc": ["body", "seed"], "msg": "no", "type": "int_type"}],
            "request_id": "r",
        }
    )
    assert body.error.param == body.detail[0].loc[1] == "seed"
