"""The file that all journals of the script are written to, as far as they get there."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from gatetrail.events.journal import Entry
from siem.corpus.step import Event, Step


class Lines:
    """In the order in which they were recorded."""

    def __init__(self) -> None:
        self._lines: list[bytes] = []
        self._events: list[Event] = []
        self._lost: set[str] = set()

    def add(self, entries: Sequence[Entry]) -> Step:
        """What comes next, from any journal."""
        events: list[Event] = [orjson.loads(entry.line) for entry in entries]
        self._lines += [entry.line for entry in entries]
        self._events += events
        return Step(events)

    def lose(self, step: Step) -> None:
        """These do not come to the file."""
        self._lost |= {event["event_id"] for event in step.events}

    def as_jsonl(self) -> bytes:
        """The file."""
        both = zip(self._lines, self._events, strict=True)
        return b"".join(line + b"\n" for line, event in both if event["event_id"] not in self._lost)

    def addresses(self) -> set[str]:
        """Of all who called."""
        return {str(event["src_ip"]) for event in self._events if "src_ip" in event}
