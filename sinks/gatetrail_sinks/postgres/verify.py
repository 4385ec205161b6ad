"""Checks the whole record against itself: hashes, links, columns, head, and executions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from psycopg import IsolationLevel

from gatetrail.events.verification import Broken, Flaw, Intact, Verification
from gatetrail.events.wire import GENESIS_HASH, hash_of_line
from gatetrail_sinks.postgres.connection import Connection, connect, told_as_unavailable
from gatetrail_sinks.postgres.queries import query

ROWS_AT_ONCE = 2_000

Row = tuple[int, str, str, str, bool]
"""seq, body, prev_hash, event_hash, columns_agree"""


class PostgresVerifier:
    """`Verifier` on PostgreSQL. Memory does not grow with the record; the server sorts and joins."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn

    async def verify(self, progress: Callable[[int], None]) -> Verification:
        with told_as_unavailable(self._dsn):
            async with await connect(self._dsn, application_name="gatetrail verify") as connection:
                await connection.execute("SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0")
                await connection.set_isolation_level(IsolationLevel.REPEATABLE_READ)
                await connection.set_read_only(True)
                async with connection.transaction():
                    return await self._verify(connection, progress)

    async def _verify(self, connection: Connection, progress: Callable[[int], None]) -> Verification:
        chain = await _walk(connection, progress)
        if isinstance(chain, Broken):
            return chain
        head = await _one(connection, "head")
        if (head[1], head[2]) != (chain.seq, chain.event_hash):
            detail = f"the head says seq {head[1]} with hash {head[2][:12]}…, the last row is seq {chain.seq}"
            return Broken(Flaw.CUT_TAIL, min(chain.seq, head[1]) + 1, None, detail, chain.seq)
        cursor = await connection.execute(query("verify_executions"))
        if (row := await cursor.fetchone()) is not None:
            return _broken_execution(row, chain.seq)
        executions = await _one(connection, "count_executions")
        return Intact(chain.seq, executions[0], chain.seq, chain.event_hash)


class Chain:
    """The walk along the chain: what the next row has to follow from."""

    def __init__(self) -> None:
        self.seq = 0
        self.event_hash = GENESIS_HASH

    def follow(self, row: Row) -> Broken | None:
        """Take one more row; the flaw when it does not follow."""
        seq, body, prev_hash, event_hash, columns_agree = row
        expected = self.seq + 1
        if seq != expected:
            return self._broken(Flaw.MISSING_EVENT, expected, f"seq {expected} is missing, the next row is seq {seq}")
        computed = hash_of_line(body.encode())
        if computed != event_hash:
            return self._broken(Flaw.CHANGED_EVENT, seq, f"the line hashes to {computed}, recorded is {event_hash}")
        if f'"event_hash":"{event_hash}"' not in body or f'"prev_hash":"{prev_hash}"' not in body:
            return self._broken(Flaw.CHANGED_COLUMN, seq, "the hashes beside the line are not those inside it")
        if prev_hash != self.event_hash:
            return self._broken(
                Flaw.BROKEN_LINK,
                seq,
                f"it follows a row with hash {prev_hash}, but the one before has {self.event_hash}",
            )
        if not columns_agree:
            return self._broken(Flaw.CHANGED_COLUMN, seq, "a column does not say what the line says")
        self.seq, self.event_hash = seq, event_hash
        return None

    def _broken(self, flaw: Flaw, seq: int, detail: str) -> Broken:
        return Broken(flaw, seq, None, detail, self.seq)


async def _walk(connection: Connection, progress: Callable[[int], None]) -> Chain | Broken:
    chain = Chain()
    async with connection.cursor(name="gatetrail_verify") as cursor:
        await cursor.execute(query("verify_events"))
        while rows := await cursor.fetchmany(ROWS_AT_ONCE):
            for row in rows:
                broken = chain.follow((row[0], row[1], row[2], row[3], row[4]))
                if broken is not None:
                    return broken
            progress(chain.seq)
    return chain


def _broken_execution(row: tuple[Any, ...], checked_events: int) -> Broken:
    execution_id, seq, invented, missing, differing = row
    if invented:
        return Broken(
            Flaw.INVENTED_EXECUTION,
            None,
            execution_id,
            "no event of the journal speaks of this execution",
            checked_events,
        )
    if missing:
        return Broken(Flaw.MISSING_EXECUTION, seq, execution_id, "the execution row is missing", checked_events)
    detail = f"the execution row differs from the journal in: {differing or 'a value'}"
    return Broken(Flaw.CHANGED_EXECUTION, seq, execution_id, detail, checked_events)


async def _one(connection: Connection, name: str) -> tuple[Any, ...]:
    row = await (await connection.execute(query(name))).fetchone()
    return row if row is not None else ()
