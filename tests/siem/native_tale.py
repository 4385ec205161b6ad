"""Small records that tests tell event by event, and a journal that forgets each tale when its test ends."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Sequence
from typing import Any

import orjson
import psycopg

from gatetrail.clock import rfc3339
from gatetrail.events.fields import Record
from gatetrail.events.model import AuditHeartbeat, ExecutionOrphaned, PolicyChanged, ToolCallDecided
from gatetrail.testing import MemoryJournal
from gatetrail.words import GateName, Level, ReasonCode
from gatetrail_sinks.postgres.append import statement
from siem.places import SQL
from siem.proof.engines.postgres import for_psycopg
from tests.samples import completed, decided, make_stamp

ONE_PROCESS, ANOTHER_PROCESS = "019e0000-0000-7000-8000-000000000001", "019e0000-0000-7000-8000-000000000002"
REASONS = {
    GateName.SCOPE: ReasonCode.TIER_TOO_LOW,
    GateName.SCANNER: ReasonCode.PROBE_ARGUMENT,
    GateName.BLOCKLIST: ReasonCode.BLOCKED,
    GateName.RATE_LIMIT: ReasonCode.RATE_EXCEEDED,
}

Connection = psycopg.Connection[tuple[Any, ...]]


class Tale:
    """Events in the order of the record; whatever tells one gives its event id."""

    def __init__(self) -> None:
        self._stamp = make_stamp()
        self._told: list[Record] = []
        self._decided: dict[str, ToolCallDecided] = {}

    def allowed(self, at: dt.datetime, **keys: Any) -> str:
        over: dict[str, Any] = {**_at(at), **keys}
        return self._decide(decided(self._stamp, **over))

    def denied(self, at: dt.datetime, gate: GateName = GateName.SCOPE, **keys: Any) -> str:
        over: dict[str, Any] = {"gate": gate, "reason_code": REASONS[gate], **_at(at), **keys}
        return self._decide(decided(self._stamp, denied=True, **over))

    def outcome(self, call: str, at: dt.datetime) -> None:
        """Of the call with this event id."""
        self._tell(completed(self._stamp, self._decided[call]).model_copy(update=_at(at)))

    def orphaned(self, call: str, at: dt.datetime) -> None:
        """The same call, closed by another process."""
        names = ("execution_id", "server_name", "tool_name")
        keys = {name: getattr(self._decided[call], name) for name in names} | {"orphaned_instance_id": ANOTHER_PROCESS}
        stamped = self._stamp(Level.WARNING, "its process died")
        self._tell(ExecutionOrphaned.model_validate({**stamped, **_at(at), **keys}))

    def policy(self, at: dt.datetime, version: str, previous: str | None = None) -> None:
        stamped = self._stamp(Level.NOTICE, "another policy")
        keys = {"policy_version": version, "previous_policy_version": previous, "policy_source": "policy.yaml"}
        self._tell(PolicyChanged.model_validate({**stamped, **_at(at), **keys}))

    def heartbeat(self, at: dt.datetime, instance_id: str) -> str:
        counts = dict.fromkeys(("allowed_count", "denied_count", "completed_count", "exported_count"), 0)
        keys = {**self._stamp(Level.INFO, "alive"), **_at(at), **counts, "instance_id": instance_id}
        return self._tell(AuditHeartbeat.model_validate(keys))

    def lines(self) -> Sequence[bytes]:
        """With their positions, as every sink gets them."""
        return asyncio.run(self._sealed())

    async def _sealed(self) -> Sequence[bytes]:
        journal = MemoryJournal()
        for event in self._told:
            await journal.append(event)
        return [entry.line for entry in await journal.read(0, len(self._told))]

    def _decide(self, decision: ToolCallDecided) -> str:
        self._decided[decision.event_id] = decision
        return self._tell(decision)

    def _tell(self, event: Record) -> str:
        self._told.append(event)
        return event.event_id


class Auditor:
    """Asks a migrated database that stays empty: every tale is told in a transaction that is taken back."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def found(
        self,
        rule: str,
        lines: Sequence[bytes],
        since: dt.datetime | None = None,
        until: dt.datetime | None = None,
    ) -> Sequence[str]:
        """The events that a rule's SQL finds among these lines, in its order; the whole record if no span is given."""
        moments = [dt.datetime.fromisoformat(orjson.loads(line)["@timestamp"]) for line in lines]
        span = {"since": since or min(moments), "until": until or max(moments)}
        with self._connection.transaction(force_rollback=True):
            self._append(lines)
            self._places()
            cursor = self._connection.execute(for_psycopg((SQL / f"{rule}.sql").read_text("utf-8")), span)
            assert cursor.description is not None
            assert cursor.description[0].name == "event_id"
            return [str(row[0]) for row in cursor.fetchall()]

    def _append(self, lines: Sequence[bytes]) -> None:
        text = b"\n".join(lines).decode()
        head = {"old_seq": 0, "old_hash": "0" * 64, "new_seq": len(lines), "new_hash": "f" * 64}
        self._connection.execute(statement(decided=False, ended=False), {"lines": text, **head})

    def _places(self) -> None:
        self._connection.execute(PLACES_TABLE)
        with self._connection.cursor() as cursor:
            cursor.executemany(b"INSERT INTO places VALUES (%s, %s, %s, %s)", PLACES)


PLACES_TABLE = (
    b"CREATE TEMP TABLE places (src_ip text, latitude double precision, longitude double precision, city text)"
)
BERLIN, HAMBURG, PARIS, SYDNEY = "192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"
PLACES = (
    (BERLIN, 52.52, 13.405, "Berlin"),
    (HAMBURG, 53.551, 9.994, "Hamburg"),
    (PARIS, 48.857, 2.352, "Paris"),
    (SYDNEY, -33.869, 151.209, "Sydney"),
)
"""Berlin is 255 km from Hamburg, 878 from Paris, 16,100 from Sydney."""


MONDAY_NOON = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)


def at(**after_noon: float) -> dt.datetime:
    """A time, by its distance from noon of a Monday, in UTC."""
    return MONDAY_NOON + dt.timedelta(**after_noon)


def _at(moment: dt.datetime) -> dict[str, str]:
    return {"timestamp": rfc3339(round(moment.timestamp() * 1_000_000))}
