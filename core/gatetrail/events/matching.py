"""The same filter as the database's, asked of one event after the other in this process."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from gatetrail.events.journal import Entry
from gatetrail.events.search import EventFilter

Keys = Mapping[str, Any]
Test = Callable[[Keys], bool]

_EXACT = {
    "user": "user_id",
    "owner": "user_id",
    "session": "session_id",
    "trace": "trace_id",
    "client": "client_id",
    "server": "server_name",
    "gate": "gate",
    "decision": "decision",
}


class Matching:
    """Makes filters that share the keys of the newest entry: with a thousand readers it is parsed once."""

    def __init__(self) -> None:
        self._line = b""
        self._keys: Keys = {}

    def of(self, wanted: EventFilter) -> Callable[[Entry], bool]:
        """Whether an entry fits, by the rules of `gatetrail_sinks.postgres.search`."""
        tests = tuple(_tests(wanted))
        if not tests:
            return _everything

        def fits(entry: Entry) -> bool:
            keys = self._keys_of(entry)
            for test in tests:  # noqa: SIM110 -- a generator for each event and reader would cost more than the tests
                if not test(keys):
                    return False
            return True

        return fits

    def _keys_of(self, entry: Entry) -> Keys:
        if entry.line is not self._line:
            self._keys = orjson.loads(entry.line)
            self._line = entry.line
        return self._keys


def _everything(_entry: Entry) -> bool:
    return True


def _tests(wanted: EventFilter) -> list[Test]:
    tests = [_equal(key, value) for word, key in _EXACT.items() if (value := getattr(wanted, word)) is not None]
    if wanted.since is not None:
        tests.append(_not_before(wanted.since))
    if wanted.until is not None:
        tests.append(_before(wanted.until))
    if wanted.tool is not None:
        tests.append(_like("tool_name", wanted.tool, re.IGNORECASE))
    if wanted.event is not None:
        tests.append(_like("event_name", wanted.event, re.NOFLAG))
    return tests


def _equal(key: str, value: str) -> Test:
    return lambda keys: keys.get(key) == value


def _not_before(moment: str) -> Test:
    return lambda keys: keys["@timestamp"] >= moment


def _before(moment: str) -> Test:
    return lambda keys: keys["@timestamp"] < moment


def _like(key: str, glob: str, flags: re.RegexFlag) -> Test:
    fits = re.compile("".join(_GLOB.get(character, re.escape(character)) for character in glob), flags | re.DOTALL)

    def like(keys: Keys) -> bool:
        value = keys.get(key)
        return value is not None and fits.fullmatch(value) is not None

    return like


_GLOB = {"*": ".*", "?": "."}
