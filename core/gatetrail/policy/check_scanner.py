"""What is well formed in `scanner` and still cannot be meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard

from gatetrail.policy.argument_path import parse_path
from gatetrail.policy.scanner import Lockout
from gatetrail.policy.source import Location

Complaint = tuple[Location, str]


def scanner_complaints(scanner: Mapping[str, Any]) -> Iterator[Complaint]:
    """Place and message for each mistake in plain data; parts of a wrong type are left to others."""
    for key in ("agents", "exempt_agents"):
        for position, word in enumerate(_items_of(scanner.get(key))):
            if isinstance(word, str) and not any(c.isascii() and c.isalnum() for c in word):
                yield ("scanner", key, position), "holds no letter a-z and no digit to look for"
    yield from _about_lockout(_keys_of(scanner.get("lockout")))
    for position, item in enumerate(_items_of(_keys_of(scanner.get("arguments")).get("exempt"))):
        if _is_mapping(item):
            yield from _about_exemption(("scanner", "arguments", "exempt", position), item)


def _about_lockout(lockout: Mapping[str, Any]) -> Iterator[Complaint]:
    longest = lockout.get("max_duration_s", Lockout().max_duration_s)
    first = lockout.get("duration_s", Lockout().duration_s)
    if isinstance(first, int) and isinstance(longest, int) and longest < first:
        yield ("scanner", "lockout", "max_duration_s"), f"{longest} is less than duration_s, which is {first}"


def _about_exemption(place: Location, item: Mapping[str, Any]) -> Iterator[Complaint]:
    if not any(item.get(part) for part in ("tools", "servers", "path")):
        yield place, "names nothing that it exempts; write enabled: false under arguments to switch all off"
    path = item.get("path")
    if isinstance(path, str) and path and (message := _wrong_path(path)):
        yield (*place, "path"), message


def _wrong_path(path: str) -> str | None:
    try:
        parse_path(path)
    except ValueError as problem:
        return str(problem)
    return None


def _items_of(value: object) -> list[Any]:
    return value if _is_list(value) else []


def _keys_of(value: object) -> Mapping[str, Any]:
    return value if _is_mapping(value) else {}


def _is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _is_mapping(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)
