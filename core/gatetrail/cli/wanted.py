"""From what was typed to a filter that can be asked for, with typing mistakes told instead of an empty answer."""

from __future__ import annotations

import difflib
import re
from typing import get_args

from gatetrail.errors import WrongUse
from gatetrail.events.fields import Record
from gatetrail.events.model import Event
from gatetrail.events.search import EventFilter

_TRACE = re.compile(r"[0-9a-f]{32}")


def event_names() -> list[str]:
    """Every name that an event can have, sorted."""
    kinds: tuple[type[Record], ...] = get_args(get_args(Event)[0])
    return sorted(name for kind in kinds for name in get_args(kind.model_fields["event_name"].annotation))


def checked(wanted: EventFilter) -> EventFilter:
    """The filter, if everything in it can occur. Raises `WrongUse`."""
    if wanted.since and wanted.until and wanted.since >= wanted.until:
        raise WrongUse(f"--since {wanted.since} is not before --until {wanted.until}: nothing lies between")
    if wanted.trace is not None and not _TRACE.fullmatch(wanted.trace):
        raise WrongUse(f"--trace: {wanted.trace!r} is no trace id; expected 32 hex digits")
    if wanted.event is not None and not set("*?") & set(wanted.event):
        _check_name(wanted.event)
    return wanted


def as_text(value: str | None, option: str) -> str | None:
    """What was typed, if it is text at all. Raises `WrongUse`."""
    if value is not None and any("\ud800" <= character <= "\udfff" for character in value):
        raise WrongUse(f"{option}: is not UTF-8")
    return value


def _check_name(name: str) -> None:
    known = event_names()
    if name in known:
        return
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"expected one of {', '.join(known)}, or a glob such as audit.*"
    raise WrongUse(f"--event: there is no event {name!r}; {hint}")
