"""Command line of the training: `./x train postcard --stage pool|autoencoder|encoder|base`."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from . import autoencoder, base, pool

RUNS = Path(__file__).with_name("runs")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="train postcard", description=__doc__)
    parser.add_argument(
        "--stage", required=True, choices=("pool", "autoencoder", "encoder", "base")
    )
    parser.add_argument(
        "--minutes", type=float, default=30.0, help="computing time, over all resumed runs"
    )
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--runs", type=Path, default=RUNS, help="where pools, checkpoints and logs go"
    )
    parser.add_argument("--size", default="v0", choices=("v0", "full"))
    parser.add_argument(
        "--tier", type=int, default=0, help="subjects: 0 the first two dozen, 1 all"
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
    return parser.parse_args()


def main() -> None:
    """Run one stage."""
    given = _arguments()
    torch.set_num_threads(given.threads)
    given.runs.mkdir(parents=True, exist_ok=True)
    device = torch.device(given.device)
    if given.stage == "pool":
        pool.fill(
            given.runs, shards=given.shards, tier=given.tier, variety=given.variety, seed=given.seed
        )
    elif given.stage in ("autoencoder", "encoder"):
        autoencoder.train(
            given.runs, minutes=given.minutes, encoder=given.stage == "encoder", lr=given.lr,
            tier=given.tier, variety=given.variety, device=device, resume=given.resume,
            seed=given.seed,
        )  # fmt: skip
    elif given.stage == "base":
        base.train(
            given.runs, minutes=given.minutes, batch=given.batch, lr=given.lr, size=given.size,
            device=device, resume=given.resume, seed=given.seed, guide_from=given.guide_from,
        )  # fmt: skip


if __name__ == "__main__":
    main()
