"""Pictures as people have them, and arguments that are refused before they travel."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import pytest
from friendli import inputs, models
from PIL import Image
from pydantic import ValidationError
from sdk.conftest import Run
from sdk.stub import Reply, Stub

URL = "https://example.com/cat.png"


def png(size: int = 2) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (size, size), "blue").save(file, "png")
    return file.getvalue()


PNG = png()
PNG_URI = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"


def sent(run: Run, stub: Stub, **given: Any) -> Any:
    run(lambda f: f.container.image.edit(prompt="p", **given))
    return stub.requests[-1].json["image"]


def refused(run: Run, stub: Stub, **given: Any) -> ValidationError:
    method = "edit" if "image" in given else "generate"
    with pytest.raises(ValidationError) as caught:
        run(lambda f: getattr(f.container.image, method)(prompt="p", **given))
    assert stub.requests == []
    return caught.value


@pytest.mark.parametrize(
    "given",
    [URL, PNG_URI, base64.b64encode(PNG).decode(), {"image": URL}, models.ImageInput(image=URL)],
    ids=["url", "data-uri", "base64", "dict", "model"],
)
def test_what_travels_already_is_sent_as_it_is(run: Run, stub: Stub, given: Any) -> None:
    text = given if isinstance(given, str) else dict(given)["image"]
    assert sent(run, stub, image=given) == {"image": text}


def test_paths_bytes_and_files_are_read_and_encoded(run: Run, stub: Stub, tmp_path: Path) -> None:
    path = tmp_path / "cat.png"
    path.write_bytes(PNG)
    for given in (path, str(path), PNG, bytearray(PNG), io.BytesIO(PNG)):
        assert sent(run, stub, image=given) == {"image": PNG_URI}
    with path.open("rb") as file:
        assert sent(run, stub, image=file) == {"image": PNG_URI}


def test_a_pillow_image_is_sent_losslessly(run: Run, stub: Stub) -> None:
    image = Image.new("RGBA", (3, 2), (1, 2, 3, 4))
    uri = sent(run, stub, image=image)["image"]
    with Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))) as back:
        assert (back.mode, back.tobytes()) == (image.mode, image.tobytes())


@pytest.mark.parametrize("mode", ["1", "L", "P", "I;16", "CMYK", "YCbCr", "HSV", "F", "RGBX"])
def test_a_pillow_image_of_any_mode_is_sent(run: Run, stub: Stub, mode: str) -> None:
    uri = sent(run, stub, image=Image.new(mode, (3, 2)))["image"]
    with Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))) as back:
        assert (back.format, back.size) == ("PNG", (3, 2))


def test_the_format_is_told_by_the_bytes_not_the_name(run: Run, stub: Stub, tmp_path: Path) -> None:
    path = tmp_path / "cat.png"
    Image.new("RGB", (2, 2)).save(path, "jpeg")
    assert sent(run, stub, image=path)["image"].startswith("data:image/jpeg;base64,")


def test_lists_may_mix_them(run: Run, stub: Stub) -> None:
    assert sent(run, stub, image=[PNG, URL]) == [{"image": PNG_URI}, {"image": URL}]


def test_control_images_take_the_same(run: Run, stub: Stub) -> None:
    run(lambda f: f.container.image.generate(prompt="p", control_images=(PNG, {"image": URL})))
    assert stub.requests[0].json["control_images"] == [{"image": PNG_URI}, {"image": URL}]


def test_dedicated_takes_the_same(run: Run, stub: Stub) -> None:
    stub.replies = [Reply({"data": []})]
    run(lambda f: f.dedicated.image.edit(model="m", prompt="p", image=PNG))
    assert stub.requests[0].json["image"] == {"image": PNG_URI}


@pytest.mark.requirement("sdk.mask")
@pytest.mark.parametrize("where", ["container", "dedicated"])
@pytest.mark.parametrize(
    "mask",
    [PNG, URL, {"image": URL}, Image.new("RGBA", (2, 2))],
    ids=["bytes", "url", "dict", "pil"],
)
def test_a_mask_travels_like_any_other_picture(run: Run, stub: Stub, where: str, mask: Any) -> None:
    stub.replies = [Reply({"image": "aGk=", "data": []})]
    given: dict[str, Any] = {"prompt": "p", "model": "m", "image": PNG, "mask": mask}
    run(lambda f: getattr(f, where).image.edit(**given))
    travelled = inputs.one(mask, at=("mask",))
    assert stub.requests[0].json["mask"] == dict(travelled)


def test_no_mask_is_not_mentioned_and_null_is(run: Run, stub: Stub) -> None:
    for given in ({}, {"mask": None}):
        run(lambda f, given=given: f.container.image.edit(prompt="p", image=PNG, **given))
    plain, null = (request.json for request in stub.requests)
    assert null == plain | {"mask": None}


@pytest.mark.parametrize(
    ("given", "loc", "message"),
    [
        ({"image": PNG, "mask": "no/such.png"}, ("mask",), "no/such.png: No such file"),
        ({"image": PNG, "mask": [PNG]}, ("mask",), "list is not a picture"),
        ({"image": PNG, "mask": b"%PDF-1.7"}, ("mask",), "not a picture"),
        ({"image": "no/such.png"}, ("image",), "no/such.png: No such file"),
        ({"image": Path("/")}, ("image",), "Is a directory"),
        ({"image": b"%PDF-1.7"}, ("image",), "not a picture"),
        ({"image": io.StringIO("x")}, ("image",), "mode 'rb'"),
        ({"image": Image.new("RGB", (0, 0))}, ("image",), "cannot write empty image"),
        ({"image": 3}, ("image",), "int is not a picture"),
        ({"image": [URL, "nope.png"]}, ("image", 1), "No such file"),
        ({"control_images": "cat.png"}, ("control_images",), "list"),
        ({"control_images": [PNG, b""]}, ("control_images", 1), "not a picture"),
    ],
)
def test_a_wrong_picture_is_one_clear_error(
    run: Run, stub: Stub, given: Any, loc: tuple[Any, ...], message: str
) -> None:
    [fault] = refused(run, stub, **given).errors()
    assert fault["loc"] == loc
    assert message in fault["msg"]


def test_a_picture_that_is_too_large_is_refused_before_sending(
    run: Run, stub: Stub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inputs, "LARGEST", len(PNG) - 1)
    path = tmp_path / "cat.png"
    path.write_bytes(PNG)
    text = base64.b64encode(PNG).decode()
    for given in (path, PNG, io.BytesIO(PNG), text, PNG_URI):
        assert "50 MiB" in str(refused(run, stub, image=given))


def test_the_limit_is_fifty_mebibytes() -> None:
    assert inputs.LARGEST == 50 * 1024 * 1024


@pytest.mark.parametrize(
    ("given", "loc"),
    [
        ({"num_inference_steps": 0}, ("num_inference_steps",)),
        ({"num_inference_steps": 51}, ("num_inference_steps",)),
        ({"num_inference_steps": "ten"}, ("num_inference_steps",)),
        ({"controlnet_weights": [1.5]}, ("controlnet_weights", 0)),
        ({"controlnet_weights": [0.5, -0.1]}, ("controlnet_weights", 1)),
        ({"control_images": [URL], "controlnet_weights": [1, 1]}, ("controlnet_weights",)),
        ({"response_format": "webp"}, ("response_format",)),
    ],
)
def test_what_the_server_would_refuse_is_refused_here(
    run: Run, stub: Stub, given: Any, loc: tuple[Any, ...]
) -> None:
    assert refused(run, stub, **given).errors()[0]["loc"] == loc


@pytest.mark.requirement("S1.response_format")
@pytest.mark.parametrize("given", [{"num_inference_steps": 1}, {"num_inference_steps": 50}])
def test_the_ends_of_the_range_travel(run: Run, stub: Stub, given: Any) -> None:
    run(lambda f: f.container.image.generate(prompt="p", response_format="raw", **given))
    assert stub.requests[0].json["num_inference_steps"] == given["num_inference_steps"]
    assert stub.requests[0].json["response_format"] == "raw"


@pytest.mark.parametrize(
    "given",
    [
        {"num_inference_steps": 99},
        {"num_inference_steps": "ten"},
        {"response_format": "webp"},
        {"control_images": [URL], "controlnet_weights": [7.0, 1.0]},
    ],
)
def test_without_validation_the_server_has_the_last_word(
    run: Run, stub: Stub, given: dict[str, Any]
) -> None:
    run(lambda f: f.container.image.generate(prompt="p", validate=False, **given))
    body = stub.requests[0].json
    assert {name: body[name] for name in given} == given | (
        {"control_images": [{"image": URL}]} if "control_images" in given else {}
    )


def test_a_required_argument_that_is_missing_is_a_type_error(run: Run) -> None:
    with pytest.raises(TypeError, match="prompt"):
        run(lambda f: f.container.image.generate())
