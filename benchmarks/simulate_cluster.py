"""Many replicas for a day, simulated: which routing, how many gateways, when to scale.

Replicas share forwards as the engine does, at measured step times; gateways see only what went
through them. Times are given in multiples of what a request takes alone, so that the length of a
step does not matter; only its growth with rows does. Nothing here is a measurement of a cluster.

    python -m benchmarks.simulate_cluster [--replicas N] [--requests N] [--only routing,…]
"""

from __future__ import annotations

import argparse
import math
import statistics
from collections import deque
from collections.abc import Callable, Sequence
from random import Random

from benchmarks.cluster.replica import Device
from benchmarks.cluster.routing import RULES
from benchmarks.cluster.simulation import STEPS, Cluster, Day, Scaling, Traffic
from benchmarks.workload.score import table

CPU = Device(
    name="Postcard on two CPU cores",  # python -m benchmarks.engine --only rows
    step_seconds=(0.0214, 0.0361, 0.0514, 0.0669, 0.0807, 0.0945, 0.1083, 0.1221),
    adapter_seconds=0.05,
)
GPU = Device(
    name="Qwen-Image at 512 pixels on an H200",  # growth with rows: sglang pull request 22183
    step_seconds=tuple(0.04 * rows for rows in (1, 1.09, 1.27, 1.44, 1.72, 1.99, 2.27, 2.55)),
    adapter_seconds=0.5,
)
FULL = Device(
    name="1024 pixels on an H200, no gain from rows",
    step_seconds=(0.08,),
    adapter_seconds=0.5,
)
WORK = statistics.fmean(STEPS)
DAY = 24 * 3600.0
GATEWAYS = 3


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
    for rule in ("fewest requests", "less work of two", "least work", "least work, adapter first"):
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
    rows = []
    for name, make in WANTED.items():
        for start in (5.0, 60.0, 300.0):
            rule = Scaling(least=2, most=replicas, every=5.0, start_seconds=start, wanted=make())
            cluster = Cluster(
                GPU, RULES["least work"], replicas=replicas, gateways=GATEWAYS, seed=1
            )
            day = cluster.run(traffic.draw(GPU, Random(0)), rule)
            hours = day.replica_seconds / 3600
            rows.append(
                {
                    "rule": name,
                    "start": f"{start:.0f} s",
                    **figures(day),
                    "replica hours per 1,000 images": f"{1000 * hours / requests:.3f}",
                    "most replicas": str(day.most_replicas),
                }
            )
    rows.append(fixed(traffic, replicas))
    show(f"Scaling, {GPU.name}, a day of {stretch * 24:.1f} hours", rows)


def fixed(traffic: Traffic, replicas: int) -> dict[str, str]:
    """All replicas all day."""
    cluster = Cluster(GPU, RULES["least work"], replicas=replicas, gateways=GATEWAYS, seed=1)
    always = Scaling(
        least=replicas, most=replicas, every=5.0, start_seconds=0.0, wanted=lambda *_: replicas
    )
    day = cluster.run(traffic.draw(GPU, Random(0)), always)
    hours = 1000 * day.replica_seconds / 3600 / traffic.requests
    return {
        "rule": "all, always",
        "start": "",
        **figures(day),
        "replica hours per 1,000 images": f"{hours:.3f}",
        "most replicas": str(day.most_replicas),
    }


def by_flight(seconds: float, cool_down: float) -> Callable[[float, float], int]:
    """Replicas that would finish what is in flight within `seconds`; the most of a cool-down."""
    history: deque[tuple[float, int]] = deque()

    def wanted(in_flight: float, now: float) -> int:
        asked = math.ceil(in_flight / (seconds * GPU.capacity))
        while history and history[-1][1] <= asked:
            history.pop()
        history.append((now, asked))
        while history[0][0] < now - cool_down:
            history.popleft()
        return history[0][1]

    return wanted


WANTED: dict[str, Callable[[], Callable[[float, float], int]]] = {
    f"{seconds:g} s of work each, cool-down {cool:g} s": (
        lambda seconds=seconds, cool=cool: by_flight(seconds, cool)  # type: ignore[misc]
    )
    for seconds, cool in ((1.0, 60.0), (1.0, 300.0), (2.0, 60.0), (2.0, 300.0), (4.0, 300.0))
}


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
