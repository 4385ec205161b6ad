"""What was found when the record was checked, kept in PostgreSQL."""

from __future__ import annotations

from typing import assert_never

from psycopg.errors import InsufficientPrivilege, ReadOnlySqlTransaction

from gatetrail.events.verification import Broken, Flaw, Intact, NotedVerification, Verification
from gatetrail_sinks.postgres.connection import Pool, told_as_unavailable
from gatetrail_sinks.postgres.moments import as_text
from gatetrail_sinks.postgres.queries import query


class PostgresVerifications:
    """`Verifications` on PostgreSQL."""

    def __init__(self, dsn: str, pool: Pool) -> None:
        self._dsn = dsn
        self._pool = pool

    async def note(self, found: Verification) -> bool:
        with told_as_unavailable(self._dsn):
            async with self._pool.connection() as connection:
                try:
                    await connection.execute(query("verification_note"), _values(found))
                except (InsufficientPrivilege, ReadOnlySqlTransaction):
                    return False
        return True

    async def latest(self) -> NotedVerification | None:
        with told_as_unavailable(self._dsn):
            async with self._pool.connection() as connection:
                row = await (await connection.execute(query("verification_latest"))).fetchone()
        if row is None:
            return None
        checked_at, intact, head_seq, head_hash, events, executions, flaw, seq, execution_id, detail = row
        return NotedVerification(
            checked_at=as_text(checked_at) or "",
            intact=intact,
            head_seq=head_seq,
            head_hash=head_hash,
            events=events,
            executions=executions,
            flaw=None if flaw is None else Flaw(flaw),
            flawed_seq=seq,
            flawed_execution_id=execution_id,
            detail=detail,
        )


def _values(found: Verification) -> dict[str, object]:
    match found:
        case Intact():
            whole: dict[str, object] = {
                "head_seq": found.head_seq,
                "head_hash": found.head_hash,
                "executions": found.executions,
            }
            return {"intact": True, "events": found.events, **dict.fromkeys(_FLAW), **whole}
        case Broken():
            flawed = dict(zip(_FLAW, (found.flaw.value, found.seq, found.execution_id, found.detail), strict=True))
            return {"intact": False, "events": found.checked_events, **dict.fromkeys(_HEAD), **flawed}
        case _:
            assert_never(found)


_HEAD = ("head_seq", "head_hash", "executions")
_FLAW = ("flaw", "flawed_seq", "flawed_execution_id", "detail")
