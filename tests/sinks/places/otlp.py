"""A receiver of OTLP logs, whose records are turned back into native lines."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import orjson

from gatetrail.delivery.sink import Sink
from gatetrail.events.journal import Entry
from gatetrail_sinks.otlp import OtlpSettings, OtlpSink
from tests.sinks.otlp_receiver import OtlpReceiver


class OtlpPlace:
    acknowledges = True

    def __init__(self) -> None:
        self._receiver = OtlpReceiver()
        self._receiver.start()

    @property
    def options(self) -> Mapping[str, object]:
        return {"type": "otlp", "endpoint": self._receiver.url}

    def sink(self, name: str) -> Sink:
        return OtlpSink(name, OtlpSettings(endpoint=self._receiver.url))

    async def received(self, at_least: int = 0) -> list[bytes]:
        lines = [arrived.native_line() for arrived in self._receiver.taken]
        assert len(set(lines)) >= at_least  # they are there before the answer goes out
        return lines

    async def die(self) -> None:
        await self._receiver.stop()

    async def come_back(self) -> None:
        self._receiver.start()

    def poison(self, entry: Entry) -> Entry | None:
        event_id = orjson.loads(entry.line)["event_id"]
        self._receiver.answer = self._receiver.refusing(lambda arrived: arrived.event_id == event_id)
        return entry

    async def close(self) -> None:
        await self._receiver.stop()


async def otlp_place(_folder: Path) -> OtlpPlace:
    return OtlpPlace()
