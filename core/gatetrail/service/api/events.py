"""`/v1/events` and `/v1/events/stream`: the record, searched, and as it grows."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Header, Query
from pydantic import BaseModel, ConfigDict
from starlette.requests import Request
from starlette.responses import Response

from gatetrail.clock import Clock
from gatetrail.events.journal import Entry
from gatetrail.events.search import EventFilter
from gatetrail.formats.choice import Format, render_of
from gatetrail.service.api.answers import Documented
from gatetrail.service.api.asked import EventsAsked, StreamAsked, wanted_of
from gatetrail.service.api.door import Door
from gatetrail.service.api.paging import Page, Turn
from gatetrail.service.api.reader import Reader, Reading
from gatetrail.service.api.route import add_reading
from gatetrail.service.api.samples import DENIED
from gatetrail.service.api.sources import Sources
from gatetrail.service.event_stream import EventStream

NDJSON = "application/x-ndjson"
JSON = "application/json"
TEXT_FORMATS = frozenset({Format.CEF, Format.LEEF})
"""These are no JSON: in a JSON answer each event is a text."""

RENDERED_AT_ONCE = 50
"""After so many others get their turn on the event loop: one or two milliseconds."""
_WEIGHT = re.compile(r"0(\.\d{0,3})?|1(\.0{0,3})?")

AFTER_HEADER = "Gatetrail-Next-After"
BEFORE_HEADER = "Gatetrail-Next-Before"
HEAD_HEADER = "Gatetrail-Head-Seq"


class EventPage(BaseModel):
    """Events in ascending order of `seq`."""

    model_config = ConfigDict(
        use_attribute_docstrings=True,
        json_schema_extra={
            "examples": [{"events": [DENIED], "next_after": 4812, "next_before": 4811, "head_seq": 4812}]
        },
    )

    events: Sequence[dict[str, Any] | str]
    """The record's own objects (`schemas/v1/event.schema.json`), or what `format` makes of them (CEF: a text)."""
    next_after: int | None
    """Ask for `after` this to get what comes later."""
    next_before: int | None
    """Ask for `before` this to get what is older; null when nothing is."""
    head_seq: int
    """Where the journal ended when this was read."""
    unreadable: Sequence[int] = []
    """Positions that `format` can make nothing of; left out when there are none. `gatetrail verify` tells more."""


_PAGE_ANSWERS: Documented = {
    200: {
        "description": "A page of events. With `Accept: application/x-ndjson` each event is a line (the record's own"
        " bytes, or those of `format`; CEF and LEEF as `text/plain`), and where to go on from is in headers.",
        "content": {
            NDJSON: {"schema": {"type": "string"}, "example": orjson.dumps(DENIED).decode()},
            "text/plain": {"schema": {"type": "string"}},
        },
    }
}
_STREAM_ANSWERS: Documented = {
    200: {
        "description": "Server-Sent Events without end: `id:` is the seq, `event:` the name, `data:` the record's own"
        " line. What a slow reader has missed is told as `audit.gap` without an `id:`. It ends when the token does.",
        "content": {
            "text/event-stream": {
                "schema": {"type": "string"},
                "example": f"id: 4811\nevent: tool_call.decided\ndata: {orjson.dumps(DENIED).decode()}\n\n",
            }
        },
    }
}


class _StreamAnswer(Response):
    """For the description: `EventStream` wants to know more than a class can tell."""

    media_type = EventStream.media_type


class EventRoutes:
    """Reads from the journal and from the feed."""

    def __init__(self, sources: Sources, door: Door) -> None:
        self._sources = sources
        self._door = door

    def add_to(self, router: APIRouter) -> None:
        add_reading(
            router,
            "/v1/events/stream",
            self.stream,
            summary="New events as they come",
            responses=_STREAM_ANSWERS,
            answer_class=_StreamAnswer,
        )
        add_reading(
            router, "/v1/events", self.page, summary="Search the record", model=EventPage, responses=_PAGE_ANSWERS
        )

    async def page(
        self,
        request: Request,
        reader: Reading,
        asked: Annotated[EventsAsked, Query()],
        accept: Annotated[str, Header(include_in_schema=False)] = "",
    ) -> Response:
        """The newest events that fit, or with `after` the first ones behind a position; always in ascending order.

        Without the role `auditor` or the tier admin: your own, without `shadow_*` and the hashes of the chain. Other
        users' events are refused with 403.
        """
        await self._door.require_own(request, reader, asked.user)
        wanted = wanted_of(asked, reader, self._door.redactor, self._sources.clock)
        turn = Turn(asked.after, asked.before, asked.limit)
        head_seq = await self._sources.head.seq()
        search = self._sources.search
        if turn.after is None:
            found = await search.newest(wanted, turn.fetched, turn.before)
        else:
            found = await search.after(wanted, turn.after, turn.fetched, turn.before)
        found = [reader.shown(entry) for entry in found]
        page = turn.page(found, lambda entry: entry.seq, head_seq)
        return await (_lines if _wants_lines(accept) else _objects)(page, asked.format)

    async def stream(self, request: Request, reader: Reading, asked: Annotated[StreamAsked, Query()]) -> Response:
        """New events that fit, as long as your token is good; with `after` or `Last-Event-ID` first what came before.

        Nothing is lost without being told. `curl -N -H "Authorization: Bearer $TOKEN" .../v1/events/stream` shows it.
        Without the role `auditor` or the tier admin: your own events, without `shadow_*` and the hashes of the chain.
        """
        await self._door.require_own(request, reader, asked.user)
        sources = self._sources
        wanted = wanted_of(asked, reader, self._door.redactor, sources.clock)
        return EventStream(
            sources.feed,
            reader.user_id,
            sources.matching.of(wanted),
            sources.stamp,
            past=None if wanted == EventFilter() else sources.past(wanted),
            after_seq=asked.after,
            shown=reader.shown,
            ends_in_s=_ends_in_s(reader, sources.clock),
            holds=self._door.holds_for(request),
        )


def _ends_in_s(reader: Reader, clock: Clock) -> float | None:
    """As long as the same proof would open another stream: who is sent away sooner comes back at once."""
    return None if reader.accepted_until_s is None else reader.accepted_until_s - clock.now_us() / 1_000_000


def _wants_lines(accept: str) -> bool:
    """Whether NDJSON is what the client likes at least as much as JSON (RFC 9110, section 12.5.1)."""
    weights = dict(_weighed(part) for part in accept.lower().split(","))
    return 0 < weights.get(NDJSON, 0) >= weights.get(JSON, 0)


def _weighed(part: str) -> tuple[str, float]:
    name, *parameters = part.replace(" ", "").split(";")
    weight = next((text[2:] for text in parameters if text.startswith("q=")), "1")
    return name, float(weight) if _WEIGHT.fullmatch(weight) else 0


async def _rendered(entries: Iterable[Entry], chosen: Format) -> tuple[list[bytes], list[int]]:
    """The events, and the positions of those that cannot be rendered."""
    render = render_of(chosen)
    rendered: list[bytes] = []
    unreadable: list[int] = []
    for index, entry in enumerate(entries):
        if index % RENDERED_AT_ONCE == 0:
            await asyncio.sleep(0)
        try:
            rendered.append(render(entry))
        except ValueError:  # pydantic's, for a row that was written by something else
            unreadable.append(entry.seq)
    return rendered, unreadable


async def _objects(page: Page[Entry], chosen: Format) -> Response:
    events, unreadable = await _rendered(page.items, chosen)
    if chosen in TEXT_FORMATS:
        events = [orjson.dumps(event.decode()) for event in events]
    rest: dict[str, Any] = {
        "next_after": page.next_after,
        "next_before": page.next_before,
        "head_seq": page.head_seq,
        **({"unreadable": unreadable} if unreadable else {}),
    }
    # The events are put in as they are: their bytes are the record's.
    body = b'{"events":[%b],%b' % (b",".join(events), orjson.dumps(rest)[1:])
    return Response(body, media_type=JSON, headers={"Cache-Control": "no-store", "Vary": "Accept"})


async def _lines(page: Page[Entry], chosen: Format) -> Response:
    events, unreadable = await _rendered(page.items, chosen)
    headers = {"Cache-Control": "no-store", "Vary": "Accept"}
    headers |= {AFTER_HEADER: str(page.next_after), HEAD_HEADER: str(page.head_seq)}
    if page.next_before is not None:
        headers[BEFORE_HEADER] = str(page.next_before)
    if unreadable:
        headers["Gatetrail-Unreadable"] = ",".join(map(str, unreadable))
    kind = "text/plain" if chosen in TEXT_FORMATS else NDJSON
    return Response(b"".join(event + b"\n" for event in events), media_type=kind, headers=headers)
