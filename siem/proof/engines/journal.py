"""Lines into the product's own tables, through the statements with which its journal appends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
import psycopg

from gatetrail_sinks.postgres.append import statement
from siem.golden import Event
from siem.proof.engines.loaded import Loaded

DECIDED = "tool_call.decided"
ENDED = frozenset({"tool_call.completed", "execution.orphaned"})
MOST_EXCHANGED = 100
"""Events; when more of them are different, all are loaded anew, since rows that are gone leave tables slow."""
LOOSEN = Path(__file__).with_name("loosen.sql")

Connection = psycopg.Connection[tuple[Any, ...]]


class Journal:
    """A migrated, empty database. The first events come in as the product would write them, with every check in force.

    When later ones replace some of them, the tables are loosened once, and rows are exchanged.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._loaded = Loaded()
        self._loosened = False

    def turn_to(self, events: Sequence[Event]) -> None:
        """Hold exactly these. Raises psycopg's errors for what the tables refuse."""
        fresh = self._loaded.empty
        difference = self._loaded.turn_to(events)
        if fresh:
            self._append(difference.come)
            return
        if not difference.gone and not difference.come:
            return
        self._loosen()
        if len(difference.gone) + len(difference.come) > MOST_EXCHANGED:
            self._connection.execute("TRUNCATE audit_events, mcp_tool_executions")
            self._append(events)
            return
        calls = {event.get("execution_id") for event in (*difference.gone, *difference.come)} - {None}
        gone = {str(event["event_id"]) for event in difference.gone}
        again = [event for event in events if event.get("execution_id") in calls]
        self._delete(gone | {str(event["event_id"]) for event in again}, {str(call) for call in calls})
        others = [event for event in difference.come if event.get("execution_id") not in calls]
        self._append([*others, *again])

    def _loosen(self) -> None:
        if not self._loosened:
            self._connection.execute(LOOSEN.read_bytes())
            self._loosened = True

    def _delete(self, event_ids: Iterable[str], execution_ids: Iterable[str]) -> None:
        self._connection.execute("DELETE FROM audit_events WHERE event_id = ANY(%s::uuid[])", ([*event_ids],))
        self._connection.execute(
            "DELETE FROM mcp_tool_executions WHERE execution_id IS NULL OR execution_id = ANY(%s::uuid[])",
            ([*execution_ids],),
        )

    def _append(self, events: Iterable[Event]) -> None:
        for batch in _batches(events):
            seq, event_hash = self._head()
            last = batch[-1]
            parameters = {
                "lines": b"\n".join(orjson.dumps(event, option=orjson.OPT_SORT_KEYS) for event in batch).decode(),
                "old_seq": seq,
                "old_hash": event_hash,
                "new_seq": last.get("seq", seq),
                "new_hash": last.get("event_hash", event_hash),
            }
            names = {event.get("event_name") for event in batch}
            self._connection.execute(statement(decided=DECIDED in names, ended=bool(names & ENDED)), parameters)

    def _head(self) -> tuple[int, str]:
        row = self._connection.execute("SELECT seq, event_hash FROM chain_head").fetchone()
        assert row is not None
        return row[0], row[1]


def _batches(events: Iterable[Event]) -> Iterator[Sequence[Event]]:
    """An outcome never stands in the batch of its decision: a statement does not see what it is inserting itself."""
    batch: list[Event] = []
    calls: set[object] = set()
    for event in events:
        if event.get("event_name") in ENDED and event.get("execution_id") in calls:
            yield batch
            batch, calls = [], set()
        batch.append(event)
        calls.add(event.get("execution_id"))
    if batch:
        yield batch
