"""Command line of the training: `./x train postcard --stage STAGE`; see `LOG.md` for the order."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from . import autoencoder, base, distil, pool, specialise
from .export import RUNS
from .parts import CONTROLS, STYLES

STAGES = ("pool", "decoder", "base", "distil", "part")
POOLS = {
    "scenes": pool.of_scenes, "edits": pool.of_edits, "controls": pool.of_controls,
    "pairs": distil.of_pairs,
    **{style: pool.of_style(style) for style in STYLES},
}  # fmt: skip
KINDS = (*POOLS, *CONTROLS)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="train postcard", description=__doc__)
    parser.add_argument("--stage", required=True, choices=STAGES)
    parser.add_argument("--kind", default="scenes", choices=KINDS, help="which pool or part")
    parser.add_argument(
        "--minutes", type=float, default=30.0, help="computing time, over all resumed runs"
    )
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    parser.add_argument("--start", type=Path, help="checkpoint to begin with")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--runs", type=Path, default=RUNS, help="where pools, checkpoints and logs go"
    )
    parser.add_argument("--size", default="v0", choices=("v0", "full"))
    parser.add_argument(
        "--tier", type=int, default=0, help="subjects: 0 two dozen, 1 four dozen, 2 all"
    )
    parser.add_argument(
        "--variety", type=float, default=0.4, help="spread of positions and backgrounds, 0..1"
    )
    parser.add_argument("--shards", type=int, default=24, help="pool size in thousands of scenes")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--guide-from", type=float, default=0.65, help="share of the time before guidance"
    )
    given = parser.parse_args()
    grown = given.stage == "part" and given.kind in CONTROLS
    if given.start and not (grown or given.stage == "base"):
        parser.error("--start is for the base and for ControlNets")
    return given


def _train(given: argparse.Namespace, device: torch.device) -> None:
    common = {
        "minutes": given.minutes, "lr": given.lr, "device": device,
        "resume": given.resume, "seed": given.seed,
    }  # fmt: skip
    sampled = common | {"batch": given.batch, "start": given.start}
    if given.stage == "base":
        base.train(given.runs, size=given.size, guide_from=given.guide_from, **sampled)
    elif given.stage == "distil":
        distil.train(given.runs, size=given.size, batch=given.batch, **common)
    elif given.stage == "part":
        specialise.train(given.runs, kind=given.kind, **sampled)
    else:
        autoencoder.train(given.runs, tier=given.tier, variety=given.variety, **common)


def main() -> None:
    """Run one stage."""
    given = _arguments()
    torch.set_num_threads(given.threads)
    given.runs.mkdir(parents=True, exist_ok=True)
    if given.stage != "pool":
        _train(given, torch.device(given.device))
        return
    plan = pool.Plan(runs=given.runs, tier=given.tier, variety=given.variety)
    folder = given.runs / given.kind
    pool.fill(folder, POOLS[given.kind], plan, shards=given.shards, seed=given.seed)


if __name__ == "__main__":
    main()
