"""Ids as somebody knows them, and as they stand in the record."""

from __future__ import annotations

from gatetrail.redaction.marks import is_mark
from gatetrail.redaction.redactor import Redactor


def forms_of(redactor: Redactor, key: str, value: str) -> tuple[str, ...]:
    """Every form under which one who looks for an id may find it: as it came, and as redaction writes it.

    The first stands in what was recorded under a policy that kept it. Somebody may also know only the mark, and look
    for that.
    """
    if is_mark(value):
        return (value,)
    return tuple(dict.fromkeys((value, recorded(redactor, key, value))))


def own_forms_of(redactor: Redactor, user_id: str) -> tuple[str, ...]:
    """The forms of a proven user's own id; none for who is called like a mark, which may stand for somebody else."""
    written = recorded(redactor, "user_id", user_id)
    return tuple(form for form in dict.fromkeys((user_id, written)) if form != user_id or not is_mark(user_id))


def recorded(redactor: Redactor, key: str, value: str) -> str:
    """The value of an event's key as it is written under this redactor's policy."""
    return redactor.texts({key: value})[key] or ""
