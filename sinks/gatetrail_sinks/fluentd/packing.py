"""From journal entries to one frame of the forward protocol in PackedForward mode.

The forms are those of the Forward Protocol Specification v1.5: `[tag, entries, {"size": …, "chunk": …}]`, where
entries is one binary of `[EventTime, record]` after `[EventTime, record]`.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from gatetrail.clock import from_rfc3339
from gatetrail.errors import EventRefused
from gatetrail.events.journal import Entry
from gatetrail.events.outgoing import Render, prepared
from gatetrail_sinks.fluentd.untyped import EventTime, Packer

_SECONDS_MAX = 0xFFFF_FFFF
_CHUNK_BYTES = 24


@dataclass(frozen=True, slots=True)
class Batch:
    """What one acknowledgement is for. The same entries give the same chunk id and the same bytes, at any time."""

    chunk: str
    frame: bytes
    count: int


class BatchMaker:
    """Turns entries into batches. A line that is a JSON object becomes the record, any other line its `message`.

    Numbers come out as JSON readers see them: integers of 64 bits exactly, longer ones as doubles (RFC 8259,
    section 6). Not for several threads.
    """

    def __init__(self, tag: str, render: Render) -> None:
        self._tag = tag
        self._render = render
        self._packer = Packer()

    def make(self, entries: Sequence[Entry]) -> tuple[Batch | None, EventRefused | None]:
        """The batch of all entries up to the first that can never be sent (None when there are none), and why."""
        outgoing = prepared(entries, self._packed)
        if not outgoing.ready:
            return None, outgoing.refusal
        sent = entries[: len(outgoing.ready)]
        packed = b"".join(outgoing.ready)
        chunk = _chunk_id(sent[0].seq, sent[-1].seq, packed)
        frame = self._packer.pack((self._tag, packed, {"size": len(sent), "chunk": chunk}))
        return Batch(chunk, frame, len(sent)), outgoing.refusal

    def _packed(self, entry: Entry) -> bytes:
        line = self._render(entry)
        record = _record(line)
        facts = record if line is entry.line else _record(entry.line)
        return self._packer.pack((_event_time(facts), record))


def _record(line: bytes) -> dict[str, Any]:
    if line.startswith(b"{"):
        record: dict[str, Any] = orjson.loads(line)
        return record
    return {"message": line.decode()}


def _event_time(facts: dict[str, Any]) -> EventTime:
    moment = facts.get("@timestamp")
    if not isinstance(moment, str):
        raise ValueError("it has no @timestamp")  # noqa: TRY004 `prepared` takes a ValueError for a refusal
    seconds, fraction_us = divmod(from_rfc3339(moment), 1_000_000)
    if not 0 <= seconds <= _SECONDS_MAX:
        raise ValueError(f"the protocol has no time {moment}: it knows 1970 to 2106")
    return EventTime(seconds, fraction_us * 1000)


def _chunk_id(first_seq: int, last_seq: int, packed: bytes) -> str:
    digest = hashlib.sha256(f"{first_seq}-{last_seq}:".encode())
    digest.update(packed)
    return b64encode(digest.digest()[:_CHUNK_BYTES]).decode()
