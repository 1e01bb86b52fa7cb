"""What no honest trainer writes is refused before it touches a network, and the reason is said."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
import torch
from friendli_engine.errors import AdapterRefusedError
from friendli_engine.lora_file import MAX_HEADER, read
from peft import LoraConfig
from safetensors.torch import save_file

GOOD = {"x.lora_A.weight": torch.ones(4, 8), "x.lora_B.weight": torch.ones(8, 4)}
NAN, INF = torch.full((4, 8), torch.nan), torch.full((8, 4), torch.inf)
TALL, FLAT = torch.ones(5000, 1), torch.ones(1, 5000)

HOSTILE = {
    "nan": (GOOD | {"x.lora_A.weight": NAN}, r"x\.lora_A\.weight.*not finite"),
    "inf": (GOOD | {"x.lora_B.weight": INF}, r"x\.lora_B\.weight.*not finite"),
    "rank": ({"x.lora_A.weight": TALL, "x.lora_B.weight": FLAT}, "5000"),
    "ranks that disagree": (GOOD | {"x.lora_A.weight": torch.ones(3, 8)}, "3 and 4"),
    "half a pair": ({"x.lora_A.weight": torch.ones(4, 8)}, "pair"),
    "vectors": ({"x.lora_A.weight": torch.ones(4), "x.lora_B.weight": torch.ones(4)}, "pair"),
    "five dimensions": (GOOD | {"x.lora_A.weight": torch.ones(4, 1, 1, 1, 1)}, "dimensions"),
    "empty tensor": (GOOD | {"x.lora_A.weight": torch.ones(0, 8)}, "empty"),
    "integers": (GOOD | {"x.lora_A.weight": torch.ones(4, 8, dtype=torch.int32)}, "floating"),
    "no tensors": ({}, "0 tensors"),
    "whole weights": (GOOD | {"x.weight": torch.ones(8, 8)}, "'x.weight'"),
    "another method": (GOOD | {"x.lokr_w1": torch.ones(8, 8)}, "lokr"),
    "a pattern as a name": (GOOD | {"(a+)+$.lora_A.weight": torch.ones(4, 8)}, "name"),
}  # fmt: skip
ENTRY = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
MANY = json.dumps({f"x{i}.lora_A.weight": ENTRY for i in range(100_000)}).encode()
RAW = {
    "100,000 tensors": struct.pack("<Q", len(MANY)) + MANY,
    "pickle": b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00\x8c\x02os\x94.",
    "nothing": b"",
    "three bytes": b"abc",
    "huge header": struct.pack("<Q", MAX_HEADER + 1) + b"{}",
    "absurd header": struct.pack("<Q", 2**63) + b"{}",
    "cut header": struct.pack("<Q", 500) + json.dumps({"x": {}}).encode(),
    "no json": struct.pack("<Q", 4) + b"abcd",
    "deep json": struct.pack("<Q", 200_000) + b"[" * 200_000,
}
SETTINGS = {
    "weights that all share are rewritten": {"transformer.init_lora_weights": "pissa"},
    "patterns without end": {"transformer.rank_pattern": {"(a+)+$": 4}},
    "a pattern for targets": {"transformer.target_modules": "(.*a)+$"},
    "more than LoRA": {"transformer.modules_to_save": ["norm_out"]},
    "an absurd rank": {"transformer.r": 10**9},
    "a rank that is text": {"transformer.r": "8"},
    "unknown words": {"transformer.run": "rm"},
    "no object": ["r"],
}


@pytest.mark.parametrize("name", HOSTILE)
def test_tensors_that_are_no_lora_are_refused_by_name(name: str, tmp_path: Path) -> None:
    tensors, reason = HOSTILE[name]
    save_file(tensors, tmp_path / "file")
    with pytest.raises(AdapterRefusedError, match=reason):
        read("ink", tmp_path / "file")


@pytest.mark.parametrize("name", RAW)
def test_bytes_that_are_no_safetensors_are_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(RAW[name])
    with pytest.raises(AdapterRefusedError, match="'ink'"):
        read("ink", tmp_path / "file")


def test_what_is_not_there_or_no_file_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "missing", tmp_path):
        with pytest.raises(AdapterRefusedError, match="not a readable"):
            read("ink", path)


def test_a_file_cut_anywhere_is_refused(tmp_path: Path) -> None:
    save_file(GOOD, tmp_path / "file")
    whole = (tmp_path / "file").read_bytes()
    for length in range(0, len(whole), 7):
        (tmp_path / "file").write_bytes(whole[:length])
        with pytest.raises(AdapterRefusedError):
            read("ink", tmp_path / "file")


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_that_reach_beyond_the_adapter_are_refused(name: str, tmp_path: Path) -> None:
    metadata = {"lora_adapter_metadata": json.dumps(SETTINGS[name])}
    save_file(GOOD, tmp_path / "file", metadata=metadata)
    with pytest.raises(AdapterRefusedError, match="setting"):
        read("ink", tmp_path / "file")


def test_honest_settings_pass(tmp_path: Path) -> None:
    config = LoraConfig(r=4, lora_alpha=2, target_modules=["x"], init_lora_weights="gaussian")
    plain = {k: sorted(v) if isinstance(v, set) else v for k, v in config.to_dict().items()}
    metadata = json.dumps({f"transformer.{k}": v for k, v in plain.items()})
    save_file(GOOD, tmp_path / "file", metadata={"lora_adapter_metadata": metadata})
    assert read("ink", tmp_path / "file").layers == 1


@pytest.mark.parametrize(
    ("down", "up"),
    [
        ("t.to_q.lora_A.weight", "t.to_q.lora_B.weight"),
        ("t.to_q.lora_A.default.weight", "t.to_q.lora_B.default.weight"),
        ("unet.to_q.lora.down.weight", "unet.to_q.lora.up.weight"),
        ("unet.processor.to_q_lora.down.weight", "unet.processor.to_q_lora.up.weight"),
        ("te.q_proj.lora_linear_layer.down.weight", "te.q_proj.lora_linear_layer.up.weight"),
        ("lora_unet_to_q.lora_down.weight", "lora_unet_to_q.lora_up.weight"),
        ("blocks.0.processor.qkv_lora1.down.weight", "blocks.0.processor.qkv_lora1.up.weight"),
    ],
)
def test_every_usual_way_of_naming_is_understood(down: str, up: str, tmp_path: Path) -> None:
    tensors = {down: torch.ones(4, 8), up: torch.ones(8, 4), "x.alpha": torch.tensor(4)}
    save_file(tensors, tmp_path / "file")
    file = read("ink", tmp_path / "file")
    assert (file.layers, file.values) == (1, 65)
    assert not file.changed
    save_file(GOOD, tmp_path / "file")
    assert file.changed
