"""Values of an event as Elasticsearch compares them, with the types that the index template gives."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, assert_never, cast

from siem.golden import Event
from siem.schema import Key, Kind, keys


class NotUnderstood(ValueError):
    """The search says something that this reader does not know, or that Elasticsearch would refuse."""


ANALYSED = frozenset({"message"})
"""Keys that our index template has as words of a sentence, not as keywords; nothing here reads words."""

Test = Callable[[Any], bool]
"""Of one value."""


def key_of(field: str) -> Key:
    """Raises `NotUnderstood` for a field that no event has; Elasticsearch would find nothing and say nothing."""
    if field not in keys():
        raise NotUnderstood(f"no event has a key {field!r}")
    return keys()[field]


def values(event: Event, field: str) -> list[Any]:
    """All values of a field; an array counts as its elements, and an absent key as none."""
    value = event.get(field)
    if value is None:
        return []
    return [*cast("Iterable[Any]", value)] if isinstance(value, list | tuple) else [value]


def equal(key: Key, wanted: Any) -> Test:
    """What a term query asks of one value: keywords exactly, in their case; numbers and addresses as such."""
    _refuse_words(key)
    match key.kind:
        case Kind.TEXT | Kind.TEXTS:
            return lambda value: bool(value == _text(wanted))
        case Kind.ADDRESS:
            return _address(str(wanted))
        case Kind.MOMENT | Kind.WHOLE | Kind.NUMBER | Kind.TRUTH:
            same = comparable(key, wanted)
            return lambda value: bool(comparable(key, value) == same)
        case _:
            assert_never(key.kind)


def like(key: Key, pattern: str) -> Test:
    r"""What a wildcard query asks: `*` any text, `?` one character, `\` takes the meaning from the next.

    Raises `NotUnderstood` where the field is no keyword: only keywords have wildcards.
    """
    _refuse_words(key)
    if key.kind not in {Kind.TEXT, Kind.TEXTS}:
        raise NotUnderstood(f"{key.name} is no keyword: {pattern!r} is no pattern for it")
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    one: dict[str, str] = {"*": ".*", "?": "."}
    compiled = re.compile("".join(one.get(part) or re.escape(part[-1]) for part in parts), re.DOTALL)
    return lambda value: compiled.fullmatch(str(value)) is not None


def comparable(key: Key, value: Any) -> Any:
    """A value that has an order. Raises `NotUnderstood` for text that is no value of the key's type."""
    try:
        match key.kind:
            case Kind.TEXT | Kind.TEXTS:
                return _text(value)
            case Kind.WHOLE | Kind.NUMBER:
                return _number(value)
            case Kind.MOMENT:
                return datetime.fromisoformat(str(value))
            case Kind.TRUTH:
                return {"true": True, "false": False}[str(value).lower()]
            case Kind.ADDRESS:
                return ipaddress.IPv6Address(_sixteen_bytes(str(value)))
            case _:
                assert_never(key.kind)
    except (ValueError, KeyError) as problem:
        raise NotUnderstood(f"{value!r} is no value for {key.name}: {problem}") from problem


def _refuse_words(key: Key) -> None:
    if key.name in ANALYSED:
        raise NotUnderstood(f"{key.name} is a sentence: whether its words match is not asked here")


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _number(value: Any) -> float:
    return float(str(value))  # `float(True)` would be a number


def _sixteen_bytes(text: str) -> bytes:
    """As Lucene stores addresses: those of version 4 as mapped ones of version 6."""
    address = ipaddress.ip_address(text)
    return address.packed if address.version == 6 else bytes(10) + b"\xff\xff" + address.packed  # noqa: PLR2004


def _address(wanted: str) -> Test:
    """An address or, with a slash, a network; what an event has may be no address at all."""
    try:
        network = ipaddress.ip_network(wanted)
    except ValueError as problem:
        raise NotUnderstood(f"neither an address nor a network: {wanted!r}") from problem

    def test(value: Any) -> bool:
        try:
            return ipaddress.ip_address(str(value)) in network
        except ValueError:
            return False

    return test
