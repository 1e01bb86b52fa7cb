"""`friendli generate` and `friendli edit` against a real container."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import EntryPoint
from pathlib import Path

import msgspec
import pytest
from cli.conftest import Friendli, Watched
from friendli.cli import place
from friendli.cli.wish import Wish
from PIL import Image
from server.fakes import INFO, pixels_of

JPEG = b"\xff\xd8\xff"


@pytest.mark.requirement("cli.generate")
def test_a_prompt_becomes_a_file_whose_path_is_printed(ask: Friendli, engine: Watched) -> None:
    ran = ask("generate", "A red car", "--steps", "4", "--guidance", "2.5", "--seed", "7")
    assert (ran.status, ran.out) == (0, "a-red-car-7.jpg\n")
    assert Path("a-red-car-7.jpg").read_bytes().startswith(JPEG)
    [asked] = engine.asked
    assert (asked.prompt, asked.steps, asked.guidance, asked.seed) == ("A red car", 4, 2.5, 7)


def test_a_second_picture_of_the_same_name_writes_over_nothing(ask: Friendli) -> None:
    assert ask("generate", "a cat", "--seed", "1").out == "a-cat-1.jpg\n"
    assert ask("generate", "a cat", "--seed", "1").out == "a-cat-1-2.jpg\n"


def test_a_named_png_holds_the_exact_pixels_and_how_they_were_made(
    ask: Friendli, engine: Watched
) -> None:
    assert ask("generate", "a cat", "--seed", "3", "--steps", "5", "-o", "cat.png").status == 0
    with Image.open("cat.png") as picture:
        assert picture.tobytes() == pixels_of(engine.asked[0]).data
        assert "Steps: 5" in str(picture.info["parameters"])


def test_several_pictures_count_up_from_the_seed(ask: Friendli, engine: Watched) -> None:
    assert ask("generate", "a cat", "-n", "3", "--seed", "5", "-o", "cat.jpg").status == 0
    assert sorted(request.seed for request in engine.asked) == [5, 6, 7]
    assert sorted(path.name for path in Path().iterdir()) == ["cat-1.jpg", "cat-2.jpg", "cat-3.jpg"]


def test_json_tells_everything_about_a_picture(ask: Friendli) -> None:
    told = json.loads(ask("generate", "a cat", "--seed", "9", "--steps", "3", "--json").out)
    assert told["path"] == "a-cat-9.jpg"
    assert (told["prompt"], told["seed"], told["steps"]) == ("a cat", 9, 3)
    assert (told["width"], told["height"], told["history"]) == (16, 8, 1)


def test_what_the_model_prefers_fills_in_what_was_not_said() -> None:
    likes = {"defaults": {"num_inference_steps": 8, "guidance_scale": 3.5}}
    assert Wish(prompt="x").preferring(likes) == Wish(prompt="x", steps=8, guidance=3.5)
    assert Wish(prompt="x", steps=2, guidance=0.0).preferring(likes).fields() == {
        "prompt": "x",
        "num_inference_steps": 2,
        "guidance_scale": 0.0,
    }


def test_a_server_is_asked_for_what_its_model_prefers(ask: Friendli, engine: Watched) -> None:
    assert ask("generate", "a cat").status == 0
    [asked] = engine.asked
    assert (asked.steps, asked.guidance) == (INFO.steps, INFO.guidance)


def test_an_edit_sends_its_pictures(ask: Friendli, engine: Watched) -> None:
    Image.new("RGB", (12, 10), "red").save("red.png")
    Image.new("RGB", (14, 10), "blue").save("blue.png")
    assert ask("edit", "red.png", "make it green", "--also", "blue.png").status == 0
    [asked] = engine.asked
    assert [(image.width, image.height) for image in asked.images] == [(12, 10), (14, 10)]


def test_an_edit_sends_its_mask(ask: Friendli, engine: Watched) -> None:
    engine.info = msgspec.structs.replace(engine.info, inpaints=True)
    Image.new("RGB", (12, 10), "red").save("red.png")
    Image.new("L", (12, 10), 255).save("mask.png")
    assert ask("edit", "red.png", "make it green", "--mask", "mask.png").status == 0
    [asked] = engine.asked
    assert asked.mask
    assert set(asked.mask.data) == {255}


class TestControl:
    @pytest.fixture
    def engine(self) -> Watched:
        return Watched(info=msgspec.structs.replace(INFO, controlnets=("edges", "layout")))

    def test_control_pictures_travel_with_their_weights(
        self, ask: Friendli, engine: Watched
    ) -> None:
        Image.new("RGB", (16, 16), "white").save("edges.png")
        ran = ask("generate", "a cat", "--control", "edges.png", "--weight", "0.25")
        assert ran.status == 0
        [asked] = engine.asked
        assert (len(asked.control_images), asked.control_weights) == (1, (0.25,))


@pytest.mark.requirement("cli.errors")
@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["generate", "x", "--model", "inc"], 3, "Did you mean --model ink?"),
        (["generate", "x", "--model", "zzz"], 3, "The server has: fake, ink, neon."),
        (["generate", "x", "--steps", "99"], 2, "less than or equal to 50"),
        (["generate", "x", "--weight", "0.5", "--weight", "7"], 2, "less than or equal to 1"),
        (["generate", "x", "--control", "none.png"], 2, "there is no picture none.png"),
        (["generate", "x", "-o", "x.tiff"], 2, ".tiff is no format of ours"),
        (["generate", "x", "-o", "no/such/folder/x.jpg"], 1, "cannot write"),
        (["edit", "none.png", "x"], 2, "there is no picture none.png"),
    ],
)
def test_a_failure_says_what_and_what_next(
    ask: Friendli, arguments: list[str], status: int, words: str
) -> None:
    ran = ask(*arguments)
    assert ran.status == status
    assert words in ran.err
    assert "Traceback" not in ran.err


def test_a_server_that_is_not_there_is_told_with_the_next_command(friendli: Friendli) -> None:
    ran = friendli("generate", "x", "--server", "http://127.0.0.1:9")
    assert ran.status == 4
    assert "no server answers at http://127.0.0.1:9" in ran.err
    assert "friendli serve" in ran.err


def test_a_refusal_of_the_server_names_the_option(ask: Friendli, engine: Watched) -> None:
    engine.info = msgspec.structs.replace(INFO, edits=False)
    Image.new("RGB", (12, 10)).save("red.png")
    ran = ask("edit", "red.png", "green")
    assert ran.status == 3
    assert "image: This model edits no pictures." in ran.err
    assert "request " in ran.err


class TestWithAKey:
    @pytest.fixture
    def keys(self) -> list[str]:
        return ["sesame"]

    def test_a_key_is_asked_for_and_works(self, ask: Friendli) -> None:
        ran = ask("generate", "x")
        assert ran.status == 3
        assert "--token" in ran.err
        assert ask("generate", "x", "--token", "sesame").status == 0


class TestInThisProcess:
    """Nothing listens on the default port."""

    @pytest.fixture(autouse=True)
    def _nobody(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(place, "DEFAULT", "http://127.0.0.1:9")

    @pytest.mark.requirement("cli.embedded")
    def test_without_a_server_the_embedded_one_is_used_and_said(
        self, friendli: Friendli, container: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        @contextmanager
        def embedded() -> Iterator[tuple[str, str]]:
            yield container, ""

        monkeypatch.setattr(EntryPoint, "load", lambda point: loaded(point, embedded))
        ran = friendli("generate", "a cat", "--seed", "1", "--json")
        assert (ran.status, json.loads(ran.out)["server"]) == (0, "embedded")
        assert "in this process" in ran.err

    def test_without_either_the_way_out_is_told(
        self, friendli: Friendli, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(place, "GROUP", "nothing.is.registered.here")
        ran = friendli("generate", "a cat")
        assert ran.status == 4
        assert "pip install friendli-image-server" in ran.err


load = EntryPoint.load


def loaded(point: EntryPoint, embedded: object) -> object:
    """The embedded server's entry point gives `embedded`, the others what they name."""
    return embedded if point.group == place.GROUP else load(point)


@pytest.mark.slow
def test_the_model_inside_makes_a_picture_in_this_process() -> None:
    code = "from friendli.cli import main, place; place.DEFAULT = 'http://127.0.0.1:9'; main()"
    asked = ["generate", "a red car", "--steps", "4", "--seed", "1", "-o", "x.jpg"]
    done = subprocess.run(
        [sys.executable, "-c", code, *asked], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "x.jpg\n"), done.stderr
    told = " ".join(done.stderr.split())
    assert told.startswith("No server answers at http://127.0.0.1:9: making it in this process")
    assert "it/s" not in told  # the libraries' own bars
    with Image.open("x.jpg") as picture:
        assert picture.size == (256, 256)
        assert len(picture.getcolors(1 << 16) or []) > 1000
