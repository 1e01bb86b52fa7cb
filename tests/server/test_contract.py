"""schemathesis against the served description: whatever it can think of is answered as declared."""

from __future__ import annotations

from typing import Any

import hypothesis
import pytest
from friendli_server.container.app import application
from friendli_server.container.service import Service
from friendli_server.intake.decode import Decoder
from friendli_server.settings import ContainerSettings
from msgspec.structs import replace
from server.fakes import INFO, FakeEngine

schemathesis = pytest.importorskip("schemathesis")
from schemathesis.checks import CHECKS, load_all_checks  # noqa: E402  # only if it is there

load_all_checks()
LEFT_OUT = {
    "positive_data_acceptance",  # the public schema says its ranges in prose only
    "negative_data_rejection",  # more is taken than it names: a guidance of null, texts in forms
    "unsupported_method",  # the page at `/` is no part of the API
    "max_response_time",
}
KEPT = [check for check in CHECKS.get_all() if check.__name__ not in LEFT_OUT]
# With everything on; it answers to any name, as the client under test has one of its own.
SERVICE = Service(
    FakeEngine(replace(INFO, edits=True, controlnets=("edges",), max_pixels=64 * 64)),
    ContainerSettings(host="0.0.0.0"),
)
schema = schemathesis.openapi.from_asgi("/openapi.json", application(SERVICE))
QUIET = list(hypothesis.HealthCheck)


@pytest.fixture(autouse=True, scope="module")
def taken_in(decoder: Decoder) -> None:
    """Pictures are decoded where all tests have theirs decoded."""
    SERVICE.intake.decoder = decoder


def conforms(case: Any) -> None:
    answer = case.call()
    late = answer.status_code == 504  # the drawn `x-request-timeout` was short: as declared
    checks = [check for check in KEPT if not (late and check.__name__ == "not_a_server_error")]
    case.validate_response(answer, checks=checks)
    assert SERVICE.admission.idle.is_set()


@pytest.mark.requirement("S4.described")
@schema.parametrize()  # type: ignore[untyped-decorator]
@hypothesis.settings(max_examples=25, deadline=None, suppress_health_check=QUIET)
def test_whatever_is_sent_is_answered_as_declared(case: Any) -> None:
    conforms(case)


@pytest.mark.slow
@schema.parametrize()  # type: ignore[untyped-decorator]
@hypothesis.settings(max_examples=700, deadline=None, suppress_health_check=QUIET)
def test_thousands_of_requests_are_answered_as_declared(case: Any) -> None:
    conforms(case)
