"""Tampering shows: `verify` names the first bad row, whatever was done to the tables by their owner."""

from __future__ import annotations

import psycopg
import pytest

from gatetrail.events.verification import Broken, Flaw, Intact, Verification
from gatetrail.words import ExecutionStatus
from gatetrail_sinks.postgres.connection import open_pool
from gatetrail_sinks.postgres.journal import open_journal
from gatetrail_sinks.postgres.migrate import migrate
from gatetrail_sinks.postgres.verify import PostgresVerifier
from tests.samples import completed, decided, make_stamp

pytestmark = [pytest.mark.anyio, pytest.mark.postgres, pytest.mark.requirement("F1")]

CALLS = 6


async def record_calls(dsn: str) -> list[str]:
    """Six calls: ten events, two of the calls denied. Gives the execution ids."""
    stamp = make_stamp()
    await migrate(dsn)
    decisions = [decided(stamp, denied=number % 3 == 2) for number in range(CALLS)]
    async with open_pool(dsn) as pool, open_journal(dsn, pool, instance_id=stamp.instance_id) as journal:
        for decision in decisions:
            await journal.append(decision)
            if decision.decision == "allow":
                await journal.append(completed(stamp, decision))
    return [decision.execution_id for decision in decisions]


async def verify(dsn: str) -> Verification:
    return await PostgresVerifier(dsn).verify(lambda _checked: None)


async def tamper(dsn: str, *statements: str) -> None:
    """What somebody with the owner's rights can do: no trigger stops them."""
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        await connection.execute("SET session_replication_role = replica")
        for statement in statements:
            await connection.execute(statement.encode())


async def test_an_untouched_record_is_intact(dsn: str) -> None:
    await record_calls(dsn)
    found = await verify(dsn)
    assert isinstance(found, Intact)
    assert (found.events, found.executions, found.head_seq) == (10, CALLS, 10)


async def test_an_empty_record_is_intact(dsn: str) -> None:
    await migrate(dsn)
    found = await verify(dsn)
    assert isinstance(found, Intact)
    assert found.events == 0


@pytest.mark.parametrize(
    ("statements", "flaw", "seq"),
    [
        (
            ["UPDATE audit_events SET body = replace(body::text, 'get_invoice', 'get_balance')::json WHERE seq = 4"],
            Flaw.CHANGED_EVENT,
            4,
        ),
        (["UPDATE audit_events SET user_id = 'bob' WHERE seq = 5"], Flaw.CHANGED_COLUMN, 5),
        (["UPDATE audit_events SET event_hash = repeat('1', 64) WHERE seq = 3"], Flaw.CHANGED_EVENT, 3),
        (["DELETE FROM audit_events WHERE seq = 6"], Flaw.MISSING_EVENT, 6),
        (["DELETE FROM audit_events WHERE seq = 1"], Flaw.MISSING_EVENT, 1),
        (["DELETE FROM audit_events WHERE seq = 10"], Flaw.CUT_TAIL, 10),
        (
            [
                "UPDATE audit_events SET seq = -1 WHERE seq = 4",
                "UPDATE audit_events SET seq = 4 WHERE seq = 5",
                "UPDATE audit_events SET seq = 5 WHERE seq = -1",
            ],
            Flaw.BROKEN_LINK,
            4,
        ),
    ],
    ids=["payload", "column", "hash", "deleted row", "first row", "last row", "swapped pair"],
)
async def test_a_tampered_journal_is_found_at_its_first_bad_row(
    dsn: str, statements: list[str], flaw: Flaw, seq: int
) -> None:
    await record_calls(dsn)
    await tamper(dsn, *statements)
    found = await verify(dsn)
    assert isinstance(found, Broken)
    assert (found.flaw, found.seq) == (flaw, seq)


@pytest.mark.parametrize(
    ("change", "flaw"),
    [
        ("UPDATE mcp_tool_executions SET user_id = 'bob' WHERE execution_id = '{id}'", Flaw.CHANGED_EXECUTION),
        ("UPDATE mcp_tool_executions SET latency_ms = 0.1 WHERE execution_id = '{id}'", Flaw.CHANGED_EXECUTION),
        ("DELETE FROM mcp_tool_executions WHERE execution_id = '{id}'", Flaw.MISSING_EXECUTION),
    ],
    ids=["user", "latency", "deleted"],
)
async def test_a_tampered_execution_is_named(dsn: str, change: str, flaw: Flaw) -> None:
    executions = await record_calls(dsn)
    await tamper(dsn, change.format(id=executions[1]))
    found = await verify(dsn)
    assert isinstance(found, Broken)
    assert (found.flaw, found.execution_id) == (flaw, executions[1])


async def test_an_execution_that_no_event_speaks_of_is_named(dsn: str) -> None:
    executions = await record_calls(dsn)
    invented = "ffffffff-ffff-7fff-bfff-ffffffffffff"
    copied = (
        "trace_id, user_id, server_name, tool_name, method, caller_type, actual_tier, rate_limit_tier, status, gate,"
    )
    copied += " reason_code, policy_version, instance_id, started_at, finished_at, latency_ms, decided_seq, outcome_seq"
    await tamper(
        dsn,
        f"INSERT INTO mcp_tool_executions (execution_id, {copied}) SELECT '{invented}', {copied}"
        f" FROM mcp_tool_executions WHERE execution_id = '{executions[0]}'",
    )
    found = await verify(dsn)
    assert isinstance(found, Broken)
    assert (found.flaw, found.execution_id) == (Flaw.INVENTED_EXECUTION, invented)


async def test_the_journal_refuses_change_from_whoever_respects_its_triggers(dsn: str) -> None:
    await record_calls(dsn)
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        for statement in (
            b"UPDATE audit_events SET user_id = 'bob'",
            b"DELETE FROM audit_events WHERE seq = 1",
            b"TRUNCATE audit_events",
            b"TRUNCATE audit_events_000000",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
                await connection.execute(statement)


async def test_a_late_outcome_of_a_swept_call_counts_more_than_the_sweep(dsn: str) -> None:
    stamp = make_stamp()
    await migrate(dsn)
    decision = decided(stamp)
    async with open_pool(dsn) as pool, open_journal(dsn, pool, instance_id=stamp.instance_id) as journal:
        await journal.append(decision)
        await journal.append(completed(stamp, decision, ExecutionStatus.TIMEOUT))
    assert isinstance(await verify(dsn), Intact)
