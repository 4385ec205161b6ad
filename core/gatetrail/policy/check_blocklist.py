"""What is well formed in `blocklist` and still cannot be meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeGuard

from gatetrail.policy.argument_path import parse_path
from gatetrail.policy.expressions import compile_expression
from gatetrail.policy.source import Location

Complaint = tuple[Location, str]

PARTS = ("tools", "users", "servers", "departments", "data_domains", "arguments")
MAX_INTEGER = 2**63
TESTS = ("equals", "glob", "pattern", "secrets", "shapes")


def blocklist_complaints(entries: Sequence[Any]) -> Iterator[Complaint]:
    """Place and message for each mistake in plain data; parts of a wrong type are left to others."""
    seen: dict[str, int] = {}
    for position, entry in enumerate(entries):
        if not _is_mapping(entry):
            continue
        name = entry.get("id")
        if isinstance(name, str) and (first := seen.setdefault(name, position)) != position:
            message = f"the id {name!r} belongs to blocklist[{first}] already; ids are unique"
            yield ("blocklist", position, "id"), message
        if entry and not any(entry.get(part) for part in PARTS):
            message = 'names nothing that it denies, so it would deny every call; write tools: ["*"] if that is meant'
            yield ("blocklist", position), message
        tests = entry.get("arguments")
        for number, test in enumerate(tests if _is_list(tests) else ()):
            if _is_mapping(test):
                place = ("blocklist", position, "arguments", number)
                yield from (((*place, *part), message) for part, message in _test_complaints(test))


def _test_complaints(test: Mapping[str, Any]) -> Iterator[tuple[Location, str]]:
    named = [name for name in TESTS if test.get(name) or (name == "equals" and test.get(name) is not None)]
    if len(named) != 1:
        found = " and ".join(named) or "none"
        yield (), f"expected exactly one of {', '.join(TESTS)}, got {found}"
    if isinstance(number := test.get("equals"), int) and abs(number) >= MAX_INTEGER:
        yield ("equals",), "is a number of more than 64 bits, which not every program carries; write it in quotes"
    shapes = test.get("shapes")
    if _is_list(shapes) and "secret_name" in shapes:
        yield ("shapes",), "secret_name is no shape of a value; write path: and a pattern instead"
    for part, complaint in (("path", _path_complaint), ("pattern", _pattern_complaint)):
        text = test.get(part)
        if isinstance(text, str) and text and (message := complaint(text)):
            yield (part,), message


def _path_complaint(path: str) -> str | None:
    try:
        parse_path(path)
    except ValueError as problem:
        return str(problem)
    return None


def _pattern_complaint(pattern: str) -> str | None:
    try:
        fits_nothing = compile_expression(pattern).search(b"") is not None
    except ValueError as problem:
        return f"is no regular expression of RE2: {problem}"
    return "fits an empty text too, so it would fit every value; have it ask for a character" if fits_nothing else None


def _is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _is_mapping(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)
