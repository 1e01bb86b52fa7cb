"""The history: what is kept, how it is listed, made again, varied, deleted, bounded, off."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from cli.conftest import Friendli, Watched
from friendli.cli.history.store import History
from friendli.cli.trouble import REFUSED
from friendli.cli.wish import Made, Wish
from PIL import Image


def made(wish: Wish, *, content: bytes = b"\xff\xd8\xff") -> Made:
    return Made(
        wish=wish,
        content=content,
        raw=False,
        width=2,
        height=1,
        seconds=0.5,
        server="http://here",
        model="fake",
    )


def test_a_kept_picture_comes_back_with_everything(history: Path) -> None:
    wish = Wish(prompt="a cat", steps=3, guidance=2.5, seed=2**63, model="ink", weight=(0.5,))
    with History(history) as kept:
        number = kept.add(made(wish))
    with History(history) as kept:
        entry = kept.get(number)
    assert entry is not None
    assert entry.wish == wish
    assert entry.path.read_bytes() == b"\xff\xd8\xff"
    assert (entry.model, entry.server, entry.width, entry.height) == ("fake", "http://here", 2, 1)


def test_pictures_are_found_by_words_of_their_prompt_newest_first(history: Path) -> None:
    with History(history) as kept:
        for prompt in ("a Red car", "100% wool", "a red house"):
            kept.add(made(Wish(prompt=prompt)))
        assert [e.wish.prompt for e in kept.entries(search="red")] == ["a red house", "a Red car"]
        assert [e.wish.prompt for e in kept.entries(search="100%")] == ["100% wool"]
        assert [e.id for e in kept.entries(limit=1)] == [3]


def test_only_the_newest_are_kept(history: Path) -> None:
    with History(history, keep=2) as kept:
        for _ in range(5):
            kept.add(made(Wish(prompt="x")))
        assert kept.prune() == 3
        assert [entry.id for entry in kept.entries()] == [5, 4]
    assert len(list((history / "pictures").iterdir())) == 2


def test_pictures_that_went_in_outlive_their_files_and_go_with_their_last_picture(
    history: Path,
) -> None:
    source = Path("source.png").resolve()
    Image.new("RGB", (3, 3)).save(source)
    with History(history) as kept:
        numbers = [kept.add(made(Wish(prompt="x", image=(str(source),)))) for _ in range(2)]
        content = source.read_bytes()
        source.unlink()
        entry = kept.get(numbers[0])
        assert entry is not None
        assert Path(entry.wish.image[0]).read_bytes() == content
        kept.remove(numbers[:1])
        assert len(list((history / "inputs").iterdir())) == 1
        kept.remove(numbers[1:])
    assert list((history / "inputs").iterdir()) == []


def test_the_folder_is_for_its_owner_only(history: Path) -> None:
    with History(history):
        assert history.stat().st_mode & 0o077 == 0


@pytest.mark.requirement("cli.history")
def test_what_was_made_is_listed_made_again_varied_and_deleted(
    ask: Friendli, friendli: Friendli, engine: Watched
) -> None:
    ask("generate", "a cat", "--seed", "5", "--steps", "3", "--model", "ink")
    [line] = friendli("history").out.splitlines()
    assert line.split("\t")[2:4] == ["5", "a cat"]
    assert ask("history", "again", "1", "-o", "again.jpg").status == 0
    assert ask("history", "vary", "1", "-o", "varied.jpg").status == 0
    first, again, varied = engine.asked
    assert (again.prompt, again.seed, again.steps, again.adapter) == ("a cat", 5, 3, "ink")
    assert (varied.prompt, varied.steps, varied.adapter) == ("a cat", 3, "ink")
    assert varied.seed != first.seed
    assert Path("again.jpg").read_bytes() == Path("a-cat-5.jpg").read_bytes()
    assert friendli("history", "delete", "1", "3").out == "2 deleted.\n"
    told = json.loads(friendli("history", "list", "--json").out)
    assert (told["history"], told["seed"], told["model"]) == (2, 5, "ink")
    assert friendli("history", "delete", "--all").out == "1 deleted.\n"
    assert friendli("history").out == ""


def test_an_edit_can_be_made_again_after_its_source_is_gone(ask: Friendli, engine: Watched) -> None:
    engine.info = msgspec.structs.replace(engine.info, inpaints=True)
    for name, colour in (("red.png", "red"), ("mask.png", "white"), ("other.png", "blue")):
        Image.new("RGB", (12, 10), colour).save(name)
    ask("edit", "red.png", "green", "--seed", "1", "--mask", "mask.png")
    ask("edit", "other.png", "green")
    for name in ("red.png", "mask.png"):
        Path(name).unlink()
    ask("history", "delete", "2")  # sweeps what no picture was made from
    assert ask("history", "again", "1").status == 0
    first, _, again = engine.asked
    assert (first.images, first.mask) == (again.images, again.mask)
    assert first.mask


@pytest.mark.parametrize("verb", ["again", "vary", "show"])
def test_a_number_that_is_not_there_is_told(friendli: Friendli, verb: str) -> None:
    ran = friendli("history", verb, "7")
    assert (ran.status, "there is no picture 7" in ran.err) == (REFUSED, True)


@pytest.mark.parametrize("word", ["off", "OFF", "0"])
def test_it_can_be_switched_off(
    ask: Friendli, friendli: Friendli, monkeypatch: pytest.MonkeyPatch, history: Path, word: str
) -> None:
    monkeypatch.setenv("FRIENDLI_HISTORY", word)
    assert ask("generate", "a cat").status == 0
    assert "switched off" in friendli("history").err
    assert not history.exists()


def test_one_picture_can_be_left_out(ask: Friendli, friendli: Friendli) -> None:
    assert ask("generate", "a cat", "--no-history").status == 0
    assert friendli("history").out == ""


def test_how_many_are_kept_is_a_setting(
    ask: Friendli, friendli: Friendli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRIENDLI_HISTORY_KEEP", "2")
    assert ask("generate", "a cat", "-n", "3").status == 0
    assert len(friendli("history").out.splitlines()) == 2
    monkeypatch.setenv("FRIENDLI_HISTORY_KEEP", "many")
    ran = friendli("history")
    assert (ran.status, "FRIENDLI_HISTORY_KEEP must be a number" in ran.err) == (2, True)
