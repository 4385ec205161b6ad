"""What is different between two policies, in sentences that an auditor can read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from pydantic import BaseModel

from gatetrail.call import clean
from gatetrail.policy.model import PolicyDocument
from gatetrail.policy.source import text_of
from gatetrail.policy.value_texts import (
    MAX_VALUE_BYTES,
    fields_text,
    in_order,
    is_list,
    is_mapping,
    is_secret,
    is_set,
    value_text,
    word,
)

MAX_SENTENCES = 20
MAX_SENTENCE_BYTES = 160
"""With twenty of them, an event keeps to its 4.5 kB."""

_LABELS = ("id", "name", "issuer", "path")
"""What tells entries of a list apart, the first of these that they all have."""


def differences(old: PolicyDocument, new: PolicyDocument) -> tuple[str, ...]:
    """A sentence for each difference, in the order of the file; empty when the documents are the same.

    At most 20, of at most 160 bytes each: the last one tells how many there are besides. Secrets are never told, and
    of addresses only scheme and host.
    """
    found = (clean(sentence, MAX_SENTENCE_BYTES) for sentence in _between("", old, new))
    first = [*islice(found, MAX_SENTENCES)]
    if rest := sum(1 for _ in found):
        first[-1] = f"and {rest + 1} more differences"
    return tuple(first)


def _between(place: str, old: Any, new: Any) -> Iterator[str]:
    if isinstance(old, BaseModel) and isinstance(new, BaseModel) and type(old) is type(new):
        for name in type(new).model_fields:
            yield from _between(_below(place, name), getattr(old, name), getattr(new, name))
    elif is_mapping(old) and is_mapping(new):
        yield from _of_mappings(place, old, new)
    elif is_set(old) and is_set(new):
        yield from _of_members(place, in_order(old), in_order(new))
    elif is_list(old) and is_list(new):
        yield from _of_lists(place, [*old], [*new])
    elif old != new:
        secret = is_secret(place, old) or is_secret(place, new)
        yield f"{place}: changed" if secret else f"{place}: {value_text(place, old)} → {value_text(place, new)}"


def _of_mappings(place: str, old: Mapping[Any, Any], new: Mapping[Any, Any]) -> Iterator[str]:
    yield from (_alone(_below(place, word(key)), value, "removed") for key, value in old.items() if key not in new)
    for key, value in new.items():
        if key in old:
            yield from _between(_below(place, word(key)), old[key], value)
        else:
            yield _alone(_below(place, word(key)), value, "added")
    yield from _order(place, old, new)


def _of_lists(place: str, old: list[Any], new: list[Any]) -> Iterator[str]:
    label = next((name for name in _LABELS if _tells_apart(old, name) and _tells_apart(new, name)), None)
    if label is None:
        yield from _of_members(place, old, new)
        return
    before, after = ({getattr(entry, label): entry for entry in entries} for entries in (old, new))
    yield from (_alone(_entry(place, key), value, "removed") for key, value in before.items() if key not in after)
    for key, value in after.items():
        entry = _entry(place, key)
        if key not in before:
            yield _alone(entry, value, "added")
        elif value != before[key]:
            yield from (f"{entry}: {told}" for told in _between("", before[key], value))
    yield from _order(place, before, after)


def _of_members(place: str, old: list[Any], new: list[Any]) -> Iterator[str]:
    """Of values without a name of their own: those that are there more often, or less often, than before."""
    gone, come = _beyond(old, new), _beyond(new, old)
    yield from (f"{place}: {_shown(place, member)} removed" for member in gone)
    yield from (f"{place}: {_shown(place, member)} added" for member in come)
    if not gone and not come and old != new:
        yield f"{place}: in another order"


def _beyond(ones: list[Any], others: list[Any]) -> list[Any]:
    """Those of the ones that are left when each of the others has taken its equal."""
    try:
        return [*(Counter(ones) - Counter(others)).elements()]
    except TypeError:  # entries with free keys in them have no hash; there are few of these
        left, beyond = [*others], list[Any]()
        for one in ones:
            if one in left:
                left.remove(one)
            else:
                beyond.append(one)
        return beyond


def _order(place: str, old: Mapping[Any, Any], new: Mapping[Any, Any]) -> Iterator[str]:
    """The first that fits decides in many places, so the order is a part of the meaning."""
    if [key for key in old if key in new] != [key for key in new if key in old]:
        yield f"{place}: in another order"


def _alone(place: str, value: Any, what: str) -> str:
    told = fields_text(value) if isinstance(value, BaseModel) else value_text(place, value)
    return f"{place} {what}: {told}" if told else f"{place} {what}"


def _shown(place: str, member: Any) -> str:
    return f"an entry ({fields_text(member)})" if isinstance(member, BaseModel) else value_text(place, member)


def _tells_apart(entries: Iterable[Any], name: str) -> bool:
    """True when each entry has such a name, and none has another's."""
    names = [getattr(entry, name, None) if isinstance(entry, BaseModel) else None for entry in entries]
    return all(isinstance(one, str) for one in names) and len(set(names)) == len(names)


def _entry(place: str, key: str) -> str:
    return f"{place} entry '{clean(key, MAX_VALUE_BYTES)}'"


def _below(place: str, name: str) -> str:
    part = text_of((name,))
    return part if not place else f"{place}{part}" if part.startswith("[") else f"{place}.{part}"
