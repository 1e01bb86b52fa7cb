"""Many replicas for a day, simulated: which routing, how many gateways, when to scale.

Replicas share forwards as the engine does, at step times of which some are guesses and say so;
gateways see only what went through them. Times are given in multiples of what a request takes
alone: the length of a step does not matter, only its growth with rows does. Nothing here is a
measurement of a cluster.

    python -m benchmarks.simulate_cluster [--replicas N] [--requests N] [--only routing,…]
"""

from __future__ import annotations

import argparse
import math
import statistics
from collections.abc import Sequence
from random import Random

from friendli_server.dedicated.replicas.demand import Peak

from benchmarks.cluster.replica import Device
from benchmarks.cluster.routing import RULES
from benchmarks.cluster.simulation import Cluster, Day, Scaling, Traffic, Wanted
from benchmarks.workload.score import table
from benchmarks.workload.trace import STEPS

CPU = Device(
    name="Postcard on a CPU core",  # measured for 1 and 8 rows (benchmarks.engine), drawn between
    step_seconds=tuple(0.0214 + 0.0144 * more for more in range(8)),
    adapter_seconds=0.05,  # a guess
)
GPU = Device(
    # growth published for 2, 4 and 8 rows (sglang pull request 22183), drawn between; 0.04 a guess
    name="Qwen-Image at 512 pixels on an H200",
    step_seconds=tuple(0.04 * rows for rows in (1, 1.09, 1.27, 1.44, 1.72, 1.99, 2.27, 2.55)),
    adapter_seconds=0.5,  # a guess
)
FULL = Device(
    name="1024 pixels on an H200, no gain from rows",
    step_seconds=(0.08,),  # a guess
    adapter_seconds=0.5,  # a guess
)
WORK = statistics.fmean(STEPS)
DAY = 24 * 3600.0
GATEWAYS = 3
CHOSEN = "least work, loading counted"
"""The real gateway's."""


def steady(
    device: Device,
    rule: str,
    *,
    replicas: int,
    requests: int,
    load: float,
    gateways: int = GATEWAYS,
    adapters: int = 200,
) -> Day:
    """Arrivals at `load` of what the replicas can do with every row taken."""
    rate = load * replicas * device.capacity / WORK
    traffic = Traffic(requests=requests, rate=lambda _: rate, peak=rate, adapters=adapters)
    cluster = Cluster(device, RULES[rule], replicas=replicas, gateways=gateways, seed=1)
    return cluster.run(traffic.draw(device, Random(0)))


def figures(day: Day) -> dict[str, str]:
    """Columns every table has."""
    cuts = statistics.quantiles(day.slowdowns, n=100)
    return {
        "mean": f"{statistics.fmean(day.slowdowns):.2f}×",
        "p95": f"{cuts[94]:.1f}×",
        "p99": f"{cuts[98]:.1f}×",
        "in time": f"{day.in_time / len(day.slowdowns):.2%}",
        "adapters loaded": f"{day.loads / len(day.slowdowns):.1%}",
    }


def routing(replicas: int, requests: int) -> None:
    """Every rule on every device at 0.8 of capacity."""
    rows = []
    for device in (CPU, GPU, FULL):
        for rule in RULES:
            day = steady(device, rule, replicas=replicas, requests=requests, load=0.8)
            rows.append({"device": device.name, "rule": rule, **figures(day)})
    show(f"Routing, {GATEWAYS} gateways, load 0.8", rows)


def gateways(replicas: int, requests: int) -> None:
    """What it costs that gateways do not see one another's requests."""
    rows = []
    for rule in ("fewest requests", "less work of two", "least work", CHOSEN):
        for nodes in (1, 3, 10, 30):
            day = steady(GPU, rule, replicas=replicas, requests=requests, load=0.8, gateways=nodes)
            rows.append({"rule": rule, "gateways": str(nodes), **figures(day)})
    show(f"Gateways that see only their own requests, {GPU.name}", rows)


def scaling(replicas: int, requests: int) -> None:
    """A day with a quiet night and a sudden evening, by rule and by how long a start takes."""
    peak = 0.8 * replicas * GPU.capacity / WORK
    stretch = requests / (0.5 * peak * DAY)

    def rate(clock: float) -> float:
        hour = clock / stretch / 3600 % 24
        swing = 0.35 - 0.3 * math.cos(2 * math.pi * (hour - 3) / 24)
        return peak * (1.0 if 19 <= hour < 20 else swing)

    traffic = Traffic(requests=requests, rate=rate, peak=peak)

    def row(name: str, wanted: Wanted, *, least: int, start: float) -> dict[str, str]:
        rule = Scaling(least=least, most=replicas, every=5.0, start_seconds=start, wanted=wanted)
        cluster = Cluster(GPU, RULES[CHOSEN], replicas=replicas, gateways=GATEWAYS, seed=1)
        day = cluster.run(traffic.draw(GPU, Random(0)), rule)
        return {
            "rule": name,
            "start": f"{start:.0f} s",
            **figures(day),
            "replica hours per 1,000 images": f"{day.replica_seconds / 3.6 / requests:.3f}",
            "most replicas": str(day.most_replicas),
        }

    rows = [
        row(
            f"{work:g} s of work each, cool-down {cool:g} s",
            by_flight(work, cool),
            least=2,
            start=s,
        )
        for work, cool in ((1.0, 60.0), (1.0, 300.0), (2.0, 60.0), (2.0, 300.0), (4.0, 300.0))
        for s in (5.0, 60.0, 300.0)
    ]
    rows.append(row("all, always", lambda *_: replicas, least=replicas, start=0.0))
    show(f"Scaling, {GPU.name}, a day of {stretch * 24:.1f} hours", rows)


def by_flight(work: float, cool_down: float) -> Wanted:
    """The gateway's rule: replicas for `work` seconds of what is in flight; a cool-down's most."""
    peak = Peak()

    def wanted(in_flight: float, now: float) -> int:
        asked = math.ceil(in_flight / (work * GPU.capacity))
        return peak.of(asked, at=now, seconds=cool_down)

    return wanted


def show(title: str, rows: Sequence[dict[str, str]]) -> None:
    """Print a Markdown table."""
    print(f"\n**{title}.** Latency in multiples of a request alone.\n")
    print(table(list(rows[0]), [list(row.values()) for row in rows]), flush=True)


PARTS = {"routing": routing, "gateways": gateways, "scaling": scaling}


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replicas", type=int, default=100)
    parser.add_argument("--requests", type=int, default=200_000)
    parser.add_argument("--only", default=",".join(PARTS), help="of " + ", ".join(PARTS))
    given = parser.parse_args()
    for part in given.only.split(","):
        PARTS[part](given.replicas, given.requests)


if __name__ == "__main__":
    main()
