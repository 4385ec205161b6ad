"""An event as one RFC 5424 message. Pure: the same event and settings give the same bytes, so a replay does, too.

    <PRI>1 TIMESTAMP HOSTNAME APP-NAME PROCID MSGID [gatetrail@N event_id="…" seq="…" …] MSG

MSGID is the event's name and PROCID the `instance_id`, the process that wrote the event (the one that sends it may
be another). The structured data repeats the six ids, so that a receiver can route and search without reading the
MSG, which is the rendered line.

There is no byte order mark before MSG, although section 6.4 wants one before UTF-8: rsyslog and syslog-ng hand it on
as a part of the message, and a JSON reader stops at it. Without one the MSG is the RFC's MSG-ANY, which may be UTF-8.
"""

from __future__ import annotations

import re
from functools import lru_cache

import orjson

from gatetrail.events.journal import Entry
from gatetrail.events.outgoing import Render
from gatetrail.severity import SEVERITIES
from gatetrail.words import Level
from gatetrail_sinks.syslog.settings import SyslogSettings

NIL = "-"
MAX_MSGID = 32
MAX_PROCID = 128
PARAMETERS = ("event_id", "seq", "trace_id", "user_id", "session_id", "context_id", "client_id", "task_id")
"""Keys of the event that stand in the structured data, in this order; absent ones are left out."""

_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)
_MILLISECONDS_END = len("2026-01-01T00:00:00.000")
_LEEF = b"LEEF:"
_TO_ESCAPE = re.compile(r'["\\\]]')
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_UNPLAIN = re.compile('["\\\\\\]\x00-\x1f\x7f-\x9f\u2028\u2029]')
_REPLACEMENT = "\ufffd"
_NOT_IN_HEADER = re.compile(r"[^!-~]")


class Formatter:
    """Makes messages for one sink."""

    def __init__(self, settings: SyslogSettings, hostname: str, render: Render) -> None:
        self._render = render
        self._max_bytes = settings.max_message_bytes
        facility = settings.facility.number * 8
        self._priorities = {level.value: f"<{facility + SEVERITIES[level].syslog}>1 " for level in Level}
        self._origin = f" {header_word(hostname, 255)} {settings.app_name} "
        self._element = f" [gatetrail@{settings.enterprise_number}"

    def message(self, entry: Entry) -> bytes:
        """The message, without any framing. Raises ValueError for an event that cannot be sent.

        That is one that is not the journal's JSON, one whose rendered line has a line break or a NUL, which receivers
        take for its end, and one that is too long.
        """
        line = self._render(entry)
        if b"\n" in line or b"\r" in line or b"\x00" in line:
            raise ValueError("its line has a line break or a NUL within")
        keys = _keys(entry.line)
        head = (
            f"{self._priority(keys)}{_time(keys, milliseconds=line.startswith(_LEEF))}{self._origin}"
            f"{header_word(keys.get('instance_id'), MAX_PROCID)} {header_word(entry.event_name, MAX_MSGID)}"
            f"{self._element}{_parameters(keys)}] "
        )
        message = head.encode() + line
        if len(message) > self._max_bytes:
            raise ValueError(f"its message has {len(message)} bytes, max_message_bytes is {self._max_bytes}")
        return message

    def _priority(self, keys: dict[str, object]) -> str:
        priority = self._priorities.get(str(keys.get("level")))
        if priority is None:
            raise ValueError(f"its level is {keys.get('level')!r}, expected one of {', '.join(Level)}")
        return priority


@lru_cache(maxsize=256)
def header_word(value: object, max_characters: int) -> str:
    """A header field: printable ASCII without spaces, others become `?`; `-` for nothing. Cut at the end."""
    return _NOT_IN_HEADER.sub("?", str(value))[:max_characters] if value else NIL


def parameter_value(text: str) -> str:
    """A value as it stands between the quotes of structured data (RFC 5424 section 6.3.3).

    Control characters and Unicode's line breaks become U+FFFD: section 8.2 warns of what receivers do with them.
    """
    if not _UNPLAIN.search(text):
        return text
    return _TO_ESCAPE.sub(r"\\\g<0>", _UNPRINTABLE.sub(_REPLACEMENT, text))


def _keys(line: bytes) -> dict[str, object]:
    if not line.startswith(b"{"):
        raise ValueError("it is no JSON object")
    keys: dict[str, object] = orjson.loads(line)
    return keys


def _parameters(keys: dict[str, object]) -> str:
    return "".join(
        [f' {key}="{parameter_value(str(value))}"' for key in PARAMETERS if (value := keys.get(key)) is not None]
    )


def _time(keys: dict[str, object], *, milliseconds: bool) -> str:
    # Readers of LEEF want three digits; RFC 5424 allows up to six, which is what the event has.
    text = keys.get("@timestamp")
    if not isinstance(text, str) or not _TIMESTAMP.fullmatch(text):
        raise ValueError(f"its @timestamp is {text!r}, expected RFC 3339 in UTC with six digits")
    return f"{text[:_MILLISECONDS_END]}Z" if milliseconds else text
