"""From words that somebody typed to a filter that can be asked for; mistakes are told instead of an empty answer."""

from __future__ import annotations

import difflib
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from functools import cache
from typing import get_args

from gatetrail.clock import id_moment_us, rfc3339
from gatetrail.errors import WrongUse
from gatetrail.events.fields import Record
from gatetrail.events.model import Event
from gatetrail.events.search import EventFilter, Forms
from gatetrail.times import moment
from gatetrail.words import GateName

FILTER_WORDS = tuple(field.name for field in fields(EventFilter) if field.name != "owner")
"""What can be asked for, by the same names everywhere: options of the command line, parameters of the API."""

DECISIONS = ("allow", "deny")
MAX_GLOB_CHARACTERS = 300
"""A little more than the longest name."""

FormsOf = Callable[[str, str], Forms]
"""The forms that the value of an event's key can have in the record, from key and value."""

UUID_VERSION = 7
"""RFC 9562: the ids of decisions and events tell when they were made."""
_TRACE = re.compile(r"[0-9a-f]{32}")


def as_it_came(_key: str, value: str) -> Forms:
    """The forms of an id where nothing is known of a redaction."""
    return (value,)


def filter_of(
    words: Mapping[str, str | None],
    now_us: int,
    called: Callable[[str], str] = str,
    *,
    forms_of: FormsOf = as_it_came,
    owner: Forms | None = None,
) -> EventFilter:
    """The filter that the words name; None stands for a word that was not said.

    Times may be durations that count back from `now_us`. `called` gives a word as whoever typed it knows it.
    Ids are found in all their `forms_of`. Raises `WrongUse` for what is no such word, and for what cannot occur.
    """
    given = {word: _text(value, called(word)) for word, value in words.items() if value is not None}
    for word in ("since", "until"):
        if word in given:
            given[word] = moment(given[word], called(word), now_us) or ""
    if "trace" in given:
        given["trace"] = given["trace"].lower()
    _check(given, called)
    ids = {word: (given[word],) for word in ("user", "session", "client") if word in given}
    typed = EventFilter(
        since=given.get("since"),
        until=given.get("until"),
        user=ids.get("user"),
        session=ids.get("session"),
        trace=given.get("trace"),
        client=ids.get("client"),
        server=given.get("server"),
        tool=given.get("tool"),
        gate=given.get("gate"),
        decision=given.get("decision"),
        event=given.get("event"),
        owner=owner,
    )
    return in_all_forms(typed, forms_of)


def in_all_forms(wanted: EventFilter, forms_of: FormsOf) -> EventFilter:
    """The same filter, which finds the ids that were typed in every form that they can have in the record."""

    def every(key: str, typed: Forms | None) -> Forms | None:
        return None if typed is None else tuple(dict.fromkeys(form for one in typed for form in forms_of(key, one)))

    return replace(
        wanted,
        user=every("user_id", wanted.user),
        session=every("session_id", wanted.session),
        client=every("client_id", wanted.client),
    )


def decision_id_of(text: str) -> str:
    """A decision's or an event's id in its one form: 36 characters, lower case. Raises `WrongUse`."""
    try:
        identifier = uuid.UUID(text.strip())
        rfc3339(id_moment_us(str(identifier)))
        if identifier.version == UUID_VERSION:
            return str(identifier)
    except (ValueError, OverflowError, OSError):
        pass
    raise WrongUse(
        f"{text!r} is no decision id; expected 36 characters such as 0199f2c4-8a51-7d3e-9b6f-2c1d0e4a5b6c,"
        " as they stand in the caller's error and in gatetrail events"
    )


@cache
def event_names() -> tuple[str, ...]:
    """Every name that an event can have, sorted."""
    kinds: tuple[type[Record], ...] = get_args(get_args(Event)[0])
    return tuple(sorted(name for kind in kinds for name in get_args(kind.model_fields["event_name"].annotation)))


def _text(value: str, name: str) -> str:
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise WrongUse(f"{name}: is not UTF-8")
    if "\x00" in value:
        raise WrongUse(f"{name}: has a NUL character, which no event can have")
    return value


def _check(given: Mapping[str, str], called: Callable[[str], str]) -> None:
    since, until, trace, event = (given.get(word) for word in ("since", "until", "trace", "event"))
    if since and until and since >= until:
        raise WrongUse(f"{called('since')} {since} is not before {called('until')} {until}: nothing lies between")
    if trace is not None and not _TRACE.fullmatch(trace):
        raise WrongUse(f"{called('trace')}: {trace!r} is no trace id; expected 32 hex digits")
    _check_listed(given.get("gate"), tuple(GateName), called("gate"))
    _check_listed(given.get("decision"), DECISIONS, called("decision"))
    for word in ("tool", "event"):
        if len(given.get(word, "")) > MAX_GLOB_CHARACTERS:
            raise WrongUse(f"{called(word)}: has more than {MAX_GLOB_CHARACTERS} characters; no name is so long")
    if event is not None and not set("*?") & set(event):
        _check_name(event, called("event"))


def _check_listed(value: str | None, known: tuple[str, ...], name: str) -> None:
    if value is not None and value not in known:
        raise WrongUse(f"{name}: {value!r} is not known; expected one of {', '.join(known)}")


def _check_name(event: str, name: str) -> None:
    known = event_names()
    if event in known:
        return
    near = difflib.get_close_matches(event, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"expected one of {', '.join(known)}, or a glob such as audit.*"
    raise WrongUse(f"{name}: there is no event {event!r}; {hint}")
