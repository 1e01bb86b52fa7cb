"""LoRA by route: mixed in one forward, hot loaded and unloaded, hostile files refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from engine import tiny, zoo
from engine.lora import LAYERS, lora, plain_with
from engine.weaving import joining_one_by_one, mixed, plainly, request
from friendli_engine.adapters import Source
from friendli_engine.engine import Engine
from friendli_engine.errors import AdapterRefusedError, UnknownAdapterError
from safetensors.torch import load_file, save_file

pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning:diffusers"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:diffusers"),
]


@pytest.fixture(scope="module")
def loras(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("loras")
    return {
        "ink": lora(folder / "ink.safetensors", 1),
        "oil": lora(folder / "oil.safetensors", 2, rank=8),
    }


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32], ids=["bf16", "fp32"])
def test_rows_of_different_adapters_and_none_share_forwards_bit_for_bit(
    loras: dict[str, Path], dtype: torch.dtype
) -> None:
    routes = [None, "ink", "oil", "ink", None, "oil", "ink"]
    asked = [one for i, r in enumerate(routes) for one in mixed(i + 1, adapter=r)[i:]]
    plain = {route: plain_with(loras.get(str(route)), dtype) for route in (None, "ink", "oil")}
    expected = {one.id: plainly(plain[one.adapter], one) for one in asked}
    assert len(set(expected.values())) == len(asked)
    with Engine(tiny.model(tiny.flux(), dtype=dtype), gain=-1e9) as engine:
        for route, path in loras.items():
            engine.load_adapter(route, path)
        assert engine.info.adapters == ("ink", "oil")
        assert joining_one_by_one(engine, asked) == expected
        assert engine.stats().forwards < engine.stats().rows


def test_an_adapter_comes_and_goes_while_requests_run(loras: dict[str, Path]) -> None:
    base, inked = request("base", steps=8), request("inked", steps=8, adapter="ink")
    plain = plain_with(None), plain_with(loras["ink"])
    expected = {"base": plainly(plain[0], base), "inked": plainly(plain[1], inked)}
    with Engine(tiny.model(tiny.flux())) as engine:
        engine.submit(base)
        for _ in range(4):
            engine.step()
        engine.load_adapter("ink", loras["ink"])
        engine.submit(inked)
        for _ in range(4):
            engine.step()
        engine.unload_adapter("ink")
        assert engine.info.adapters == ()
        with pytest.raises(UnknownAdapterError):
            engine.submit(request("late", adapter="ink"))
        assert joining_one_by_one(engine, []) == expected
        engine.load_adapter("ink", loras["oil"])
        assert joining_one_by_one(engine, [inked])["inked"] != expected["inked"]


@pytest.mark.requirement("adapters.hot")
def test_a_route_means_another_file_without_a_moment_between_and_what_runs_keeps_the_old(
    loras: dict[str, Path], tmp_path: Path
) -> None:
    (tmp_path / "broken").write_bytes(b"broken")
    running, waiting = (request(name, steps=8, adapter="it") for name in ("running", "waiting"))
    late = request("late", adapter="it")
    old, new = plain_with(loras["ink"]), plain_with(loras["oil"])
    expected = {one.id: plainly(old, one) for one in (running, waiting)}
    with Engine(tiny.model(tiny.flux()), max_active=1) as engine:
        engine.load_adapter("it", loras["ink"])
        engine.submit(running)
        for _ in range(4):
            engine.step()
        engine.submit(waiting)
        engine.load_adapter("it", loras["oil"], replace=True)
        with pytest.raises(AdapterRefusedError, match="'it' is"):
            engine.load_adapter("it", tmp_path / "broken", replace=True)
        assert engine.info.adapters == ("it",)
        got = joining_one_by_one(engine, [late])
    assert got == expected | {"late": plainly(new, late)}


def test_a_scale_of_zero_is_the_base_and_half_differs_from_whole(loras: dict[str, Path]) -> None:
    with Engine(tiny.model(tiny.flux())) as engine:
        for route, scale in (("none", "@0"), ("half", "@0.5"), ("whole", "")):
            engine.load_adapter(route, f"{loras['ink']}{scale}")
        asked = [request(str(r), adapter=r) for r in (None, "none", "half", "whole")]
        got = joining_one_by_one(engine, asked)
    assert got["None"] == got["none"]
    assert len(set(got.values())) == 3


def test_sources_are_paths_with_an_optional_scale(tmp_path: Path) -> None:
    assert Source.parse("a/b.safetensors") == Source(Path("a/b.safetensors"))
    assert Source.parse("a/b.safetensors@0.5") == Source(Path("a/b.safetensors"), 0.5)
    strange = tmp_path / "x@2"
    strange.touch()
    assert Source.parse(str(strange)) == Source(strange)
    with pytest.raises(AdapterRefusedError, match="scale"):
        Source.parse("a@inf")


def test_an_adapter_for_another_model_is_refused_and_the_engine_goes_on(
    tmp_path: Path, loras: dict[str, Path]
) -> None:
    honest = load_file(loras["ink"])
    elsewhere = {name.replace("blocks.0", "blocks.7"): t.clone() for name, t in honest.items()}
    wide = "transformer.x_embedder.lora_{}.weight"  # stock diffusers would widen this layer
    wrong = {
        "of its 4 layers": honest | elsewhere,
        "does not fit": elsewhere,
        "shape|fit this model": {
            f"transformer.{LAYERS[0]}.lora_{x}.weight": torch.ones(4, 4) for x in "AB"
        },
        "x_embedder": {wide.format("A"): torch.ones(4, 64), wide.format("B"): torch.ones(32, 4)},
        "does not fit|lacks": {f"unet.y.lora_{x}.weight": torch.ones(4, 4) for x in "AB"},
    }  # fmt: skip
    one = request("one")
    with Engine(tiny.model(tiny.flux())) as engine:
        expected = joining_one_by_one(engine, [one])
        for reason, tensors in wrong.items():
            save_file(tensors, tmp_path / "file")
            with pytest.raises(AdapterRefusedError, match=reason):
                engine.load_adapter("wrong", tmp_path / "file")
        assert engine.info.adapters == ()
        assert engine.stats().adapter_bytes == 0
        assert joining_one_by_one(engine, [one]) == expected
        engine.load_adapter("ink", loras["ink"])
        with pytest.raises(AdapterRefusedError, match="taken"):
            engine.load_adapter("ink", loras["ink"])


def test_an_unknown_route_is_answered_with_the_known_ones_and_the_nearest(
    loras: dict[str, Path],
) -> None:
    with Engine(tiny.model(tiny.flux())) as engine:
        for route in ("watercolour", "ink"):
            engine.load_adapter(route, loras["ink"])
        for ask in (lambda: engine.submit(request("r", adapter="watercolor")),
                    lambda: engine.unload_adapter("watercolor")):  # fmt: skip
            with pytest.raises(
                UnknownAdapterError, match=r"'ink', 'watercolour'.*mean 'water"
            ) as e:
                ask()
            assert e.value.param == "adapter"


def test_a_unet_takes_adapters_as_well(tmp_path: Path) -> None:
    name = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q"
    shapes = {"A": (4, 16), "B": (16, 4)}
    weights = {f"unet.{name}.lora_{x}.weight": torch.ones(shape) for x, shape in shapes.items()}
    save_file(weights, tmp_path / "unet.safetensors")
    with Engine(tiny.model(zoo.sd15())) as engine:
        engine.load_adapter("ink", tmp_path / "unet.safetensors")
        got = joining_one_by_one(engine, [request("base"), request("inked", adapter="ink")])
    assert len(set(got.values())) == 2
