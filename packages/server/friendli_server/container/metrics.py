"""What happened, in numbers, under the names that Friendli's dashboards know and a few of our own.

Counts and a window of the latest durations, read out by a scrape. Knows nothing about HTTP but
the codes of errors; the endpoint itself is prometheus-client's.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version
from itertools import chain

from friendli_engine.protocol import Stats
from msgspec.structs import asdict
from prometheus_client.core import GaugeMetricFamily, Metric, UnknownMetricFamily
from prometheus_client.registry import Collector

from friendli_server.container.admission import Admission

QUANTILES = (0.5, 0.9, 0.99)
WINDOW = 1000
CANCELLED = "cancelled"
"""Stands for an error code where the client left."""
_FAILURES = {
    "cancel": {CANCELLED},
    "timeout": {"request_timeout", "deadline_exceeded"},
    "nan_error": {"nan_detected"},
    "reject": {"rate_limit_exceeded", "draining", "not_ready"},
}


class Metrics(Collector):
    """The numbers of one container."""

    def __init__(self, admission: Admission, stats: Callable[[], Stats]) -> None:
        self._admission, self._stats = admission, stats
        self._requests, self._current, self._pictures = 0, 0, 0
        self._outcomes: Counter[str] = Counter()
        self._latencies: deque[float] = deque(maxlen=WINDOW)
        self._delays: deque[float] = deque(maxlen=WINDOW)
        self._eta_errors: deque[float] = deque(maxlen=WINDOW)

    def begin(self) -> None:
        """A request that makes pictures came."""
        self._requests += 1
        self._current += 1

    def end(self, outcome: str) -> None:
        """It was answered: `outcome` is ok, cancelled or the code of the error."""
        self._current -= 1
        self._outcomes[outcome] += 1

    def made(self, pictures: int, *, seconds: float, predicted: float) -> None:
        """Pictures of one request are there, `seconds` after it came."""
        self._pictures += pictures
        self._latencies.append(seconds)
        self._eta_errors.append(abs(seconds - predicted))

    def waited(self, seconds: float) -> None:
        """A picture's first step came so long after its request."""
        self._delays.append(seconds)

    def collect(self) -> Iterator[Metric]:
        """Every number, as prometheus-client asks for them."""
        return chain(self._counts(), self._gauges(), self._windows(), self._of_engine())

    def _counts(self) -> Iterator[Metric]:
        answered = sum(self._outcomes.values())
        yield _number("friendli_requests_total", "Requests that came.", self._requests)
        yield _number("friendli_responses_total", "Requests that ended.", answered)
        yield _number("friendli_items_total", "Pictures made.", self._pictures)
        for name, codes in _FAILURES.items():
            count = sum(self._outcomes[code] for code in codes)
            yield _number(f"friendli_failure_by_{name}", f"Requests ended by {name}.", count)
        outcomes = GaugeMetricFamily(
            "friendli_outcomes", "Requests ended, by error code.", labels=["code"]
        )
        for code, count in self._outcomes.items():
            outcomes.add_metric([code], count)
        yield outcomes

    def _gauges(self) -> Iterator[Metric]:
        taken = self._admission.taken
        active = min(taken, self._stats().active)
        yield _number("friendli_current_requests", "Requests not answered yet.", self._current)
        yield _number("friendli_current_items", "Pictures not made yet.", taken)
        yield _number("friendli_current_assigned_items", "Pictures being made.", active)
        yield _number("friendli_current_waiting_items", "Pictures that wait.", taken - active)
        yield _number("friendli_queue_limit", "Pictures taken at once.", self._admission.limit)
        yield _number("friendli_seconds_per_picture", "Measured pace.", self._admission.pace)
        release = GaugeMetricFamily("friendli_engine_version", "Always 1.", labels=["version"])
        release.add_metric([version("friendli-image-engine")], 1)
        yield release

    def _windows(self) -> Iterator[Metric]:
        yield _quantiles("friendli_requests_latencies", "Seconds to pictures.", self._latencies)
        yield _quantiles(
            "friendli_requests_queueing_delays", "Seconds to the first step.", self._delays
        )
        yield _quantiles(
            "friendli_eta_errors", "Seconds by which predictions were wrong.", self._eta_errors
        )

    def _of_engine(self) -> Iterator[Metric]:
        """Whatever numbers the worker keeps, under their own names."""
        for name, value in asdict(self._stats()).items():
            if isinstance(value, int | float):
                yield _number(f"friendli_engine_{name}", f"The worker's {name}.", value)
            elif isinstance(value, tuple):
                yield from _table(f"friendli_engine_{name}", list(map(asdict, value)))


def _number(name: str, about: str, value: float) -> Metric:
    """Without a type: prometheus-client would rename counters."""
    return UnknownMetricFamily(name, about, value=value)


def _table(name: str, rows: Sequence[Mapping[str, object]]) -> Iterator[Metric]:
    """Records as one family for each of their numbers; their texts are the labels."""
    for column in rows[0] if rows else ():
        if isinstance(rows[0][column], str):
            continue
        labels = [key for key, value in rows[0].items() if isinstance(value, str)]
        family = GaugeMetricFamily(f"{name}_{column}", f"Of {name}: {column}.", labels=labels)
        for row in rows:
            family.add_metric([str(row[label]) for label in labels], float(str(row[column])))
        yield family


def _quantiles(name: str, about: str, window: Iterable[float]) -> Metric:
    family = GaugeMetricFamily(name, about, labels=["quantile"])
    ordered = sorted(window)
    for quantile in QUANTILES if ordered else ():
        index = min(len(ordered) - 1, int(quantile * len(ordered)))
        family.add_metric([str(quantile)], ordered[index])
    return family
