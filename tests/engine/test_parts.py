"""The part, the file and the tensor at fault are named; weights come as safetensors or GGUF."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from engine import zoo
from engine.weaving import assert_equal_to_plain, mixed, plainly, request
from friendli_engine.errors import ModelCorruptError, ModelUnsupportedError
from friendli_engine.loading import load
from safetensors.torch import load_file, save_file

WEIGHTS = "transformer/diffusion_pytorch_model.safetensors"
TENSOR = "transformer_blocks.0.attn.to_q.weight"


@pytest.fixture
def copy(directory: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(directory, tmp_path / "model"))


def rewrite(model: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    """Change the tensors of the transformer's file."""
    tensors = load_file(model / WEIGHTS)
    change(tensors)
    save_file(tensors, model / WEIGHTS, metadata={"format": "pt"})


@pytest.mark.requirement("engine.loading")
@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_a_tensor_without_finite_numbers_is_named(copy: Path, value: float) -> None:
    rewrite(copy, lambda tensors: tensors[TENSOR].view(-1)[7].fill_(value))
    with pytest.raises(ModelCorruptError, match=rf"transformer: the tensor {TENSOR} holds"):
        load(copy)


def test_a_tensor_that_is_missing_is_named_instead_of_left_random(copy: Path) -> None:
    rewrite(copy, lambda tensors: tensors.pop(TENSOR))
    with pytest.raises(ModelCorruptError, match=rf"transformer: the tensor {TENSOR} is missing"):
        load(copy)


def test_a_tensor_of_another_shape_is_named(copy: Path) -> None:
    rewrite(copy, lambda tensors: tensors.update({TENSOR: torch.ones(3, 5)}))
    with pytest.raises(ModelCorruptError, match=rf"transformer.*{TENSOR}.*shape"):
        load(copy)


def test_a_configuration_that_does_not_fit_is_named(copy: Path) -> None:
    (copy / "transformer/config.json").write_text('{"num_attention_heads": "many"}')
    with pytest.raises(ModelCorruptError, match=r"transformer.*config\.json"):
        load(copy)


@pytest.mark.parametrize("file", ["transformer/config.json", WEIGHTS])
def test_a_file_that_is_missing_is_named(copy: Path, file: str) -> None:
    (copy / file).unlink()
    with pytest.raises(ModelCorruptError, match=rf"transformer.*{Path(file).suffix} is missing"):
        load(copy)


def test_a_shard_that_is_missing_is_named(copy: Path) -> None:
    listing = {"weight_map": {"a": "model-00002-of-00002.safetensors"}}
    (copy / "transformer/model.safetensors.index.json").write_text(json.dumps(listing))
    with pytest.raises(ModelCorruptError, match=r"00002-of-00002\.safetensors is missing"):
        load(copy)


@pytest.mark.parametrize(
    "value", [["evil", "Net"], ["os", "system"], ["diffusers", "Net"], ["transformers", "Net"]]
)
def test_parts_of_foreign_or_unknown_classes_are_refused_by_name(
    copy: Path, value: list[str]
) -> None:
    index = json.loads((copy / "model_index.json").read_text()) | {"transformer": value}
    (copy / "model_index.json").write_text(json.dumps(index))
    (copy / "evil.py").write_text("raise SystemExit('foreign code ran')")
    with pytest.raises(ModelUnsupportedError, match=r"part 'transformer'"):
        load(copy)


def test_weights_of_which_there_is_only_another_precision_are_found(
    copy: Path, directory: Path
) -> None:
    weights = copy / WEIGHTS
    weights.rename(weights.with_suffix(".fp16.safetensors"))
    assert plainly(load(copy), request("r")) == plainly(load(directory), request("r"))


def test_one_file_is_no_model(copy: Path) -> None:
    with pytest.raises(ModelUnsupportedError, match="one file"):
        load(copy / WEIGHTS)


def test_progress_is_told_part_by_part_in_bytes(directory: Path) -> None:
    told: list[tuple[str, str, float]] = []
    load(directory, progress=lambda *what: told.append(what))
    assert {phase for phase, _, _ in told} == {"loading"}
    assert [what for _, what, _ in told][-1] == "model_index.json"
    assert {what for _, what, _ in told} >= {"text_encoder", "text_encoder_2", "transformer", "vae"}
    fractions = [fraction for *_, fraction in told]
    assert fractions == sorted(set(fractions)), "it only ever grows"
    assert (fractions[0], fractions[-1]) == (0, 1)


@pytest.mark.filterwarnings("ignore:.FluxPosEmbed.:FutureWarning")  # of diffusers itself
def test_controlnets_keep_the_order_in_which_they_were_given(
    directory: Path, tmp_path: Path
) -> None:
    for name, seed in (("layout", 1), ("edges", 2)):
        zoo.flux_controlnet(seed).save_pretrained(tmp_path / name)
    given = {name: tmp_path / name for name in ("layout", "edges")}
    model = load(directory, controlnets=given)
    assert model.info.controlnets == ("layout", "edges")
    first = model.pipelines["control-2"].controlnet.nets[0].state_dict()
    saved = load_file(tmp_path / "layout/diffusion_pytorch_model.safetensors")
    assert all(torch.equal(first[name], tensor) for name, tensor in saved.items())
    with pytest.raises(ModelUnsupportedError, match=r"ControlNet 'vae': .* no ControlNet class"):
        load(directory, controlnets={"vae": directory / "vae"})


def test_a_gguf_file_in_place_of_safetensors_is_read_and_stays_quantised(
    copy: Path, directory: Path
) -> None:
    gguf = pytest.importorskip("gguf")
    writer = gguf.GGUFWriter(copy / "transformer/flux.gguf", "flux")
    for name, tensor in load_file(copy / WEIGHTS).items():
        wide = tensor.ndim == 2 and tensor.shape[1] % 32 == 0
        kind = gguf.GGMLQuantizationType.Q8_0 if wide else gguf.GGMLQuantizationType.F32
        writer.add_tensor(name, gguf.quants.quantize(tensor.numpy(), kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    (copy / WEIGHTS).unlink()
    model = load(copy)
    quantised = model.pipelines["generate"].transformer.get_parameter(TENSOR)
    assert quantised.dtype == torch.uint8
    plain = load(directory).pipelines["generate"].transformer
    ask = {
        "hidden_states": torch.ones(1, 4, 16), "encoder_hidden_states": torch.ones(1, 3, 32),
        "pooled_projections": torch.ones(1, 32), "timestep": torch.ones(1),
        "guidance": torch.ones(1), "img_ids": torch.zeros(4, 3), "txt_ids": torch.zeros(3, 3),
    }  # fmt: skip
    with torch.inference_mode():
        got = model.pipelines["generate"].transformer(**ask).sample
        assert torch.allclose(got, plain(**ask).sample, rtol=0.1, atol=0.1)
    assert_equal_to_plain(model, mixed(3)[1:])
