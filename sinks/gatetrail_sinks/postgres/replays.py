"""Replays and quarantine in PostgreSQL, for those who ask; who drives the sink uses `PostgresCursors`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gatetrail.delivery.replay import PutAside, Replay, ReplayKind
from gatetrail_sinks.postgres.connection import Pool, told_as_unavailable
from gatetrail_sinks.postgres.moments import as_text
from gatetrail_sinks.postgres.queries import query

Row = tuple[Any, ...]


class PostgresReplays:
    """`Replays` on PostgreSQL."""

    def __init__(self, dsn: str, pool: Pool) -> None:
        self._dsn = dsn
        self._pool = pool

    async def request(self, sink_name: str, first_seq: int, last_seq: int) -> Replay:
        range_ = {"sink_name": sink_name, "first_seq": first_seq, "last_seq": last_seq}
        (row,) = await self._ask(returning("replay_request"), range_)
        return replay_of(row)

    async def resend(self, sink_name: str, seqs: Sequence[int] | None) -> Replay | None:
        wanted = {"sink_name": sink_name, "seqs": None if seqs is None else list(seqs)}
        statement = query("replay_resend") + b"SELECT " + query("replay_columns") + b"FROM asked"
        rows = await self._ask(statement, wanted)
        return replay_of(rows[0]) if rows else None

    async def state(self, replay_id: int) -> Replay | None:
        rows = await self._ask(selecting("replay_state"), {"replay_id": replay_id})
        return replay_of(rows[0]) if rows else None

    async def cancel(self, replay_id: int) -> bool:
        return bool(await self._ask(query("replay_cancel"), {"replay_id": replay_id}))

    async def put_aside(self, sink_name: str | None, after: tuple[str, int], limit: int) -> Sequence[PutAside]:
        wanted = {"sink_name": sink_name, "after_name": after[0], "after_seq": after[1], "limit": limit}
        return [_put_aside(row) for row in await self._ask(query("quarantine_list"), wanted)]

    async def _ask(self, statement: bytes, values: Mapping[str, object]) -> Sequence[Row]:
        with told_as_unavailable(self._dsn):
            async with self._pool.connection() as connection:
                return await (await connection.execute(statement, values)).fetchall()


def returning(statement: str) -> bytes:
    """A statement that changes a replay, and gives it as it is then."""
    return query(statement) + b"RETURNING " + query("replay_columns")


def selecting(statement: str) -> bytes:
    """A look at replays."""
    return b"SELECT " + query("replay_columns") + query(statement)


def replay_of(row: Row) -> Replay:
    """A row with the columns that `returning` and `selecting` give."""
    (replay_id, sink_name, kind, first_seq, last_seq, next_seq, delivered, aside, error, requested, finished, over) = (
        row
    )
    return Replay(
        replay_id,
        sink_name,
        ReplayKind(kind),
        first_seq,
        last_seq,
        next_seq,
        delivered_count=delivered,
        quarantined_count=aside,
        last_error=error,
        requested_at=as_text(requested) or "",
        finished_at=as_text(finished),
        cancelled=over,
    )


def _put_aside(row: Row) -> PutAside:
    sink_name, seq, event_name, body, reason, quarantined_at, replay_id = row
    return PutAside(sink_name, seq, event_name, body.encode(), reason, as_text(quarantined_at) or "", replay_id)
