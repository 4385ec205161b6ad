"""Values of a policy as a sentence shows them: short, and without what may be a secret."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime
from enum import Enum
from typing import Any, TypeGuard

from pydantic import BaseModel, SecretBytes, SecretStr

from gatetrail.call import clean

MAX_VALUE_BYTES = 60

_SECRET = re.compile(r"secret$|password|token$|authorization|(^|_)key$|headers|environment", re.IGNORECASE)
"""Names whose values are never told."""
_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]*://)(?:[^/?#@]*@)?([^/?#]*)(.*)", re.IGNORECASE | re.DOTALL)


def value_text(place: str, value: Any) -> str:
    """At most 60 bytes. `place` is where the value stands: what is named like a secret is not shown."""
    return clean(_whole(place, value), MAX_VALUE_BYTES)


def fields_text(value: BaseModel) -> str:
    """What an entry says beyond the defaults, without its own name."""
    fields = type(value).model_fields
    told = ((name, getattr(value, name)) for name in fields if getattr(value, name) != fields[name].get_default())
    return "; ".join(f"{name} {value_text(name, part)}" for name, part in told if name not in {"id", "name"})


def is_secret(place: str, value: Any) -> bool:
    """True for what must not be told: it is a secret by its type, or by its name."""
    if isinstance(value, SecretStr | SecretBytes):
        return True
    names = re.findall(r"[A-Za-z_]+", place)
    return not isinstance(value, bool | int | float) and any(_SECRET.search(name) for name in names[-2:])


def word(value: Any) -> str:
    """A scalar as the file has it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.isoformat()
    return "not set" if value is None else str(value.value) if isinstance(value, Enum) else str(value)


def in_order(members: Iterable[Any]) -> list[Any]:
    """The members of a set, always in the same order."""
    return sorted(members, key=word)


def is_mapping(value: object) -> TypeGuard[Mapping[Any, Any]]:
    """True for a section of free keys, such as `servers`."""
    return isinstance(value, Mapping)


def is_set(value: object) -> TypeGuard[AbstractSet[Any]]:
    """True where the order means nothing."""
    return isinstance(value, AbstractSet)


def is_list(value: object) -> TypeGuard[Iterable[Any]]:
    """True where it may mean something."""
    return isinstance(value, tuple | list)


def _whole(place: str, value: Any) -> str:
    if is_secret(place, value):
        return "(not told)"
    if isinstance(value, BaseModel):
        return fields_text(value) or "all defaults"
    if is_mapping(value):
        return f"{len(value)} entries"
    if is_set(value):
        value = in_order(value)
    if is_list(value):
        return ", ".join(_whole(place, member) for member in value) or "nothing"
    return _quoted(_without_secrets(word(value))) if isinstance(value, str) else word(value)


def _quoted(text: str) -> str:
    return text if re.fullmatch(r"[^\s,;'\"]+", text) else f"'{text}'"


def _without_secrets(text: str) -> str:
    """Of an address scheme and host: user, path and query may be a secret, as in those of incoming webhooks."""
    found = _ADDRESS.fullmatch(text)
    return text if found is None else f"{found[1]}{found[2]}{'/…' if len(found[3]) > 1 else found[3]}"
