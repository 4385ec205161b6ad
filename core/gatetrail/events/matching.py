"""The same filter as the database's, asked of one event after the other in this process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import orjson

from gatetrail.events.journal import Entry
from gatetrail.events.search import EventFilter, Forms
from gatetrail.policy.expressions import Expression, compile_expression
from gatetrail.words import GateName

Keys = Mapping[str, Any]
Test = Callable[[Keys], bool]

MAX_REMEMBERED = 256

_EXACT = {"trace": "trace_id", "server": "server_name", "gate": "gate", "decision": "decision"}
_FORMS = {"user": "user_id", "owner": "user_id", "session": "session_id", "client": "client_id"}


class Matching:
    """Makes filters that share the keys of the newest entry: with a thousand readers it is parsed once."""

    def __init__(self) -> None:
        self._line = b""
        self._keys: Keys = {}

    def of(self, wanted: EventFilter) -> Callable[[Entry], bool]:
        """Whether an entry fits, by the rules of `gatetrail_sinks.postgres.search`; in time linear in the entry."""
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
    tests += [_any_of(key, forms) for word, key in _FORMS.items() if (forms := getattr(wanted, word)) is not None]
    if wanted.owner is not None:
        tests.append(_tells_nothing_hidden)
    if wanted.since is not None:
        tests.append(_not_before(wanted.since))
    if wanted.until is not None:
        tests.append(_before(wanted.until))
    if wanted.tool is not None:
        tests.append(_like("tool_name", wanted.tool, any_case=True))
    if wanted.event is not None:
        tests.append(_like("event_name", wanted.event, any_case=False))
    return tests


def _tells_nothing_hidden(keys: Keys) -> bool:
    return keys.get("gate") != GateName.SCOPE and keys["event_name"] != "manifest.listed"


def _equal(key: str, value: str) -> Test:
    return lambda keys: keys.get(key) == value


def _any_of(key: str, forms: Forms) -> Test:
    return lambda keys: keys.get(key) in forms


def _not_before(moment: str) -> Test:
    return lambda keys: keys["@timestamp"] >= moment


def _before(moment: str) -> Test:
    return lambda keys: keys["@timestamp"] < moment


def _like(key: str, glob: str, *, any_case: bool) -> Test:
    expression = _glob(glob, any_case=any_case)

    def like(keys: Keys) -> bool:
        value = keys.get(key)
        return value is not None and expression.search(value.encode()) is not None

    return like


@lru_cache(MAX_REMEMBERED)
def _glob(glob: str, *, any_case: bool) -> Expression:
    """RE2, because a reader's glob is held against every event: its time never grows faster than the text."""
    return compile_expression(rf"(?s)\A{''.join(_piece(one, any_case=any_case) for one in glob)}\z", capture=False)


def _piece(character: str, *, any_case: bool) -> str:
    if character in _WILD:
        return _WILD[character]
    if any_case and character.isascii() and character.isalpha():
        return f"[{character.lower()}{character.upper()}]"
    return f"\\x{{{ord(character):x}}}"


_WILD = {"*": ".*", "?": "."}
