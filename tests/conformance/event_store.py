"""Events of a session's streams, kept so that a client may come back for what it missed."""

from __future__ import annotations

from itertools import count

from mcp.server.streamable_http import EventCallback, EventMessage, EventStore
from mcp_types import JSONRPCMessage


class MemoryEventStore(EventStore):
    """Every event of every stream, in the order they came. For a short-lived test server only."""

    def __init__(self) -> None:
        self._ids = count(1)
        self._events: dict[str, tuple[str, JSONRPCMessage | None]] = {}

    async def store_event(self, stream_id: str, message: JSONRPCMessage | None) -> str:
        event_id = str(next(self._ids))
        self._events[event_id] = (stream_id, message)
        return event_id

    async def replay_events_after(self, last_event_id: str, send_callback: EventCallback) -> str | None:
        if last_event_id not in self._events:
            return None
        wanted, _ = self._events[last_event_id]
        for event_id, (stream_id, message) in list(self._events.items()):
            missed = int(event_id) > int(last_event_id) and stream_id == wanted
            if missed and message is not None:
                await send_callback(EventMessage(message, event_id))
        return wanted
