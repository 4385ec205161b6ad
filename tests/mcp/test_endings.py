"""Calls that end before their time: the client goes away, the journal goes away."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator

import anyio
import anyio.abc
import httpx
import pytest

from gatetrail.words import ExecutionStatus
from tests.mcp.conftest import PATIENCE_S, Gate, make_gate, serve
from tests.mcp.servers import NAME, Sample, build
from tests.mcp.wire import ERAS, HANDSHAKE, MODERN, Wire

pytestmark = pytest.mark.anyio
each_era = pytest.mark.parametrize("era", ERAS)


@pytest.mark.requirement("D3")
async def test_a_client_that_goes_away_leaves_a_final_row(gate: Gate, sample: Sample) -> None:
    async with serve(sample.app(json_response=False)) as site:
        wire = await site.opened(MODERN, gate.token())
        async with httpx.AsyncClient(timeout=PATIENCE_S) as leaving:
            wire.http = leaving
            async with started(sample, wire) as group:
                group.cancel_scope.cancel()
        outcome = await gate.outcome()
    assert (outcome.execution_status, outcome.error_class) == (ExecutionStatus.FAILED, "cancelled")
    assert outcome.execution_id == gate.decisions()[0].execution_id


@pytest.mark.requirement("D3")
async def test_a_client_that_takes_its_call_back_leaves_a_final_row(gate: Gate, sample: Sample) -> None:
    async with serve(sample.app(json_response=False)) as site:
        wire = await site.opened(HANDSHAKE, gate.token())
        async with started(sample, wire) as group:
            params = {"requestId": wire.request_id}
            await wire.post({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params})
            outcome = await gate.outcome()
            group.cancel_scope.cancel()
    assert (outcome.execution_status, outcome.error_class) == (ExecutionStatus.FAILED, "cancelled")


@pytest.mark.requirement("D3")
async def test_a_server_that_stops_leaves_final_rows(gate: Gate, sample: Sample) -> None:
    async with serve(sample.app(json_response=False)) as site:
        wire = await site.opened(HANDSHAKE, gate.token())
        async with started(sample, wire) as group:
            group.cancel_scope.cancel()
        assert gate.outcomes() == []
    assert (await gate.outcome()).error_class == "cancelled"


@contextlib.asynccontextmanager
async def started(sample: Sample, wire: Wire) -> AsyncGenerator[anyio.abc.TaskGroup]:
    """A call whose handler is running, and waits for ever."""
    async with anyio.create_task_group() as group:
        group.start_soon(ask_and_ignore, wire)
        with anyio.fail_after(PATIENCE_S):
            await sample.started.wait()
        yield group


async def ask_and_ignore(wire: Wire) -> None:
    with contextlib.suppress(httpx.HTTPError):
        await wire.call("waits")


@each_era
@pytest.mark.requirement("D1", "D6")
async def test_without_a_journal_nothing_runs(gate: Gate, sample: Sample, era: str) -> None:
    async with serve(sample.app()) as site:
        wire = await site.opened(era, gate.token())
        gate.journal.away = True
        answer = await wire.call("get_invoice", {"number": 1})
    assert answer.error["code"] == 50301
    assert answer.error["data"]["gate"] == "audit"
    assert answer.error["data"]["decision_id"] in answer.error["message"]
    assert sample.ran == []


@pytest.mark.requirement("B8", "E6")
async def test_a_rate_denial_says_how_long_to_wait(tmp_path_factory: pytest.TempPathFactory) -> None:
    policy = "servers: {finance: {tier: user}}\nrate_limits: {base_per_s: {mcp: 1}, burst_multiplier: 1}\n"
    gate = make_gate(tmp_path_factory.mktemp("spool"), policy)
    sample = build("mcpserver")
    gate.adapter.install(sample.server, name=NAME)
    async with serve(sample.app()) as site:
        wire = await site.opened(MODERN, gate.token())
        answers = [await wire.call("get_invoice", {"number": 1}) for _ in range(3)]
    assert answers[0].result
    error = answers[-1].error
    assert error["code"] == 42901
    assert f"retry after {error['data']['retry_after_ms']} ms" in error["message"]
