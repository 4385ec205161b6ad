"""What may stand behind the `?`: the filter's words, places in the record, and how much is wanted."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from gatetrail.clock import Clock
from gatetrail.events.asking import FILTER_WORDS, MAX_GLOB_CHARACTERS, filter_of
from gatetrail.events.search import EventFilter
from gatetrail.formats.choice import Format
from gatetrail.redaction import Redactor
from gatetrail.redaction.recorded import forms_of
from gatetrail.service.api.reader import Reader
from gatetrail.words import ExecutionStatus, GateName

MAX_SEQ = 2**63 - 1
DEFAULT_LIMIT = 100
MAX_LIMIT = 1_000

Word = Annotated[str, Field(min_length=1, max_length=512)]
Moment = Annotated[str, Field(min_length=1, max_length=64, examples=["1h", "2026-01-31T08:00:00Z"])]
Glob = Annotated[str, Field(min_length=1, max_length=MAX_GLOB_CHARACTERS)]
Seq = Annotated[int, Field(ge=0, le=MAX_SEQ)]


class Asked(BaseModel):
    """Parameters of one route. One that there is not is a mistake, and told."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class CallWords(Asked):
    """The words that fit decided calls. All that are given must fit; they are the command line's, by the same names."""

    since: Moment | None = None
    """At or after: `15m`, `1h`, `2d` (that long ago), or an RFC 3339 time with `Z` or an offset."""
    until: Moment | None = None
    """Before: in the same words."""
    user: Word | None = Field(None, examples=["ann"])
    """Of this user."""
    session: Word | None = None
    """Of this session."""
    trace: Annotated[str, Field(pattern="^[0-9A-Fa-f]{32}$")] | None = None
    """Of this trace: 32 hexadecimal digits."""
    client: Word | None = None
    """Of this client."""
    server: Word | None = Field(None, examples=["finance"])
    """About this MCP server."""
    tool: Glob | None = Field(None, examples=["export_*"])
    """About tools of such a name: `*` any characters, `?` one; A to Z are the same in upper and lower case."""
    gate: GateName | None = None
    """Denied by this gate; `none`: denied by nobody."""


class EventWords(CallWords):
    """The words that fit events."""

    decision: Literal["allow", "deny"] | None = None
    """Only what was allowed, or only what was denied."""
    event: Glob | None = Field(None, examples=["tool_call.decided", "audit.*"])
    """Only events of this name, or of names like this."""


class Paged(Asked):
    """Where in the record, and how much of it."""

    after: Seq | None = None
    """The first so many behind this position."""
    before: Seq | None = None
    """The newest so many before this position; with `after`, only what lies between."""
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT
    """So many at most."""


class EventsAsked(Paged, EventWords):
    """Of `/v1/events`."""

    format: Format = Format.JSON
    """What an event looks like; `json`: the record's own bytes."""


class StreamAsked(EventWords):
    """Of `/v1/events/stream`."""

    after: Seq | None = None
    """Begin behind this position, instead of with what is new. The header `Last-Event-ID` goes over it."""


class ExecutionsAsked(Paged, CallWords):
    """Of `/v1/executions`."""

    status: ExecutionStatus | None = None
    """Only executions that stand so."""
    stuck: bool = False
    """Only calls that have been pending for more than five minutes."""


class StatsAsked(Asked):
    """Of `/v1/stats`."""

    since: Moment = "1h"
    """From when on: `15m`, `1h`, `2d` (that long ago), or an RFC 3339 time with `Z` or an offset."""
    until: Moment | None = None
    """Until when; now, when left out."""
    buckets: Annotated[int, Field(ge=1, le=500)] = 60
    """Into about so many parts the time is divided."""


def wanted_of(asked: CallWords, reader: Reader, redactor: Redactor, clock: Clock) -> EventFilter:
    """The filter that is asked for, held to what the reader may see. Raises `WrongUse`."""
    words = {word: getattr(asked, word, None) for word in FILTER_WORDS}
    return filter_of(
        words, clock.now_us(), forms_of=lambda key, value: forms_of(redactor, key, value), owner=reader.owner
    )
