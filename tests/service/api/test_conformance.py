"""Whatever the description allows, and much that it does not, is answered as the description says."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode, checks
from schemathesis.specs.openapi import checks as openapi_checks

from gatetrail.words import ExecutionStatus
from tests.samples import completed, decided
from tests.service.api.conftest import WITHIN_S, Service

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.postgres,
    pytest.mark.slow,
    # The service, in another thread, draws random numbers while hypothesis looks whether a strategy does.
    pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies"),
]

GENERAL: Any = checks
OPENAPI: Any = openapi_checks
CHECKS = [
    GENERAL.not_a_server_error,
    OPENAPI.status_code_conformance,
    OPENAPI.content_type_conformance,
    OPENAPI.response_schema_conformance,
    OPENAPI.response_headers_conformance,
]
EXAMPLES = 20
"""Of each route, each way to make them, and each caller; always the same ones."""
STREAM = "/v1/events/stream"


@pytest.fixture(scope="module", autouse=True)
async def recorded(service: Service) -> None:
    stamp = service.gate.stamp
    for user_id in ("ann", "bob", None):
        for status in (ExecutionStatus.SUCCESS, ExecutionStatus.FAILED):
            decision = decided(stamp, user_id=user_id)
            await service.record([decision, completed(stamp, decision, status)])
        await service.record([decided(stamp, user_id=user_id), decided(stamp, user_id=user_id, denied=True)])


def ask_everything(operation: Any, mode: GenerationMode, url: str, headers: Mapping[str, str]) -> int:
    """Ask one route in as many ways as there are examples; give how many answers there were."""
    asked = 0

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        nonlocal asked
        case.call_and_validate(base_url=url, headers=dict(headers), checks=CHECKS, timeout=WITHIN_S)
        asked += 1

    ask()
    return asked


@pytest.mark.parametrize(
    ("who", "mode"),
    [
        ("auditor", GenerationMode.POSITIVE),
        ("auditor", GenerationMode.NEGATIVE),
        ("user", GenerationMode.POSITIVE),
        ("nobody", GenerationMode.POSITIVE),
    ],
)
async def test_every_answer_is_one_that_is_described(service: Service, who: str, mode: GenerationMode) -> None:
    headers = {"auditor": service.as_auditor(), "user": service.as_user("bob"), "nobody": dict[str, str]()}[who]
    description = (await service.get("/openapi.json", {})).json()
    schema: Any = schemathesis.openapi.from_dict(description)
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) >= len(description["paths"])
    for operation in operations:
        if mode is GenerationMode.NEGATIVE and not operation.definition.raw.get("parameters"):
            continue  # there is nothing that could be wrong
        # A stream has no end; with such an id nobody gets one.
        refused = {"Last-Event-ID": "none"} if operation.path == STREAM else {}
        asked = await asyncio.to_thread(ask_everything, operation, mode, service.url, headers | refused)
        assert asked
