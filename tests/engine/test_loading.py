"""What can be wrong with a model is said in one sentence that names it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from friendli_engine.errors import ModelCorruptError, ModelNotFoundError, ModelUnsupportedError
from friendli_engine.loading import load


@pytest.fixture
def copy(directory: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(directory, tmp_path / "model"))


def test_serving_json_says_how_the_model_likes_to_be_asked(copy: Path) -> None:
    wishes = {"width": 64, "height": 48, "steps": 7, "guidance": 2.5, "max_text_length": 9}
    (copy / "serving.json").write_text(json.dumps(wishes))
    model = load(copy)
    info = model.info
    assert (info.width, info.height, info.steps, info.guidance) == (64, 48, 7, 2.5)
    assert model.fixed == {"max_sequence_length": 9}
    assert info.family == "flux"


def test_without_serving_json_the_family_and_the_tokenizer_decide(copy: Path) -> None:
    (copy / "serving.json").unlink()
    model = load(copy)
    assert (model.info.width, model.info.steps) == (1024, 28)
    assert model.fixed == {"max_sequence_length": 12}, "the tokenizer's own length"


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match="nowhere"):
        load(tmp_path / "nowhere")
    with pytest.raises(ModelNotFoundError, match=r"model_index\.json"):
        load(tmp_path)


def test_foreign_code_is_refused(copy: Path) -> None:
    for name in ("EvilPipeline", ["pipeline", "EvilPipeline"], "AutoencoderKL", None):
        (copy / "model_index.json").write_text(json.dumps({"_class_name": name}))
        with pytest.raises(ModelUnsupportedError):
            load(copy)


@pytest.mark.parametrize("keep", [0, 7, 100, 5000])
def test_a_file_cut_short_is_named(copy: Path, keep: int) -> None:
    (weights,) = (copy / "transformer").glob("*.safetensors")
    weights.write_bytes(weights.read_bytes()[:keep])
    with pytest.raises(ModelCorruptError, match=r"transformer/.*safetensors"):
        load(copy)


def test_pickled_weights_are_refused_by_name(copy: Path) -> None:
    (weights,) = (copy / "transformer").glob("*.safetensors")
    weights.rename(weights.with_name("diffusion_pytorch_model.bin"))
    with pytest.raises(ModelUnsupportedError, match=r"transformer/.*\.bin.*only safetensors"):
        load(copy)


def test_a_broken_index_is_named(copy: Path) -> None:
    (copy / "model_index.json").write_text("{")
    with pytest.raises(ModelCorruptError, match=r"model_index\.json"):
        load(copy)


def test_a_controlnet_that_is_missing_is_named(directory: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match="edges"):
        load(directory, controlnets={"edges": tmp_path})
