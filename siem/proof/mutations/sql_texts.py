"""Changes of the hand-written SQL: on the events as they are, each must find something else.

They are made in the text, and rely on how it is written: each condition begins a line of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from siem.schema import keys

STEP_S = 1.5
"""Events are planted a second on either side of a limit."""
LARGE = 100
"""Kilometres: changed by a tenth, not by one."""

_INTERVAL = re.compile(r"interval '[^']+'")
_WORD = re.compile(r"(?<![:\w])'([a-z_0-9.]+)'")
_BOUND = re.compile(r"(>=|<=|<|>) (\d+)\b")
_CONDITION = re.compile(r"^\s*(WHERE|AND|OR|HAVING|ON)\b")


@dataclass(frozen=True, slots=True)
class ChangedText:
    """The same query, with one change."""

    what: str
    """What was changed: a clause."""
    text: str


def changed_texts(text: str) -> Iterator[ChangedText]:
    """Each condition gone, each word another one or gone, each number one up and down, each time a second."""
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if line.lstrip().startswith("--"):
            continue
        for what, changed in _changed(lines, number):
            yield ChangedText(what, changed)


def _changed(lines: list[str], number: int) -> Iterator[tuple[str, str]]:
    line = lines[number]
    for what, changed in _lines(line):
        yield f"{what} in: {line.strip()}", "\n".join([*lines[:number], changed, *lines[number + 1 :]])
    found = _CONDITION.match(line)
    if found:
        end = _end(lines, number)
        condition = " ".join(one.strip() for one in lines[number:end])
        gone = line[: found.end()] + (" false" if found[1] == "OR" else " true")
        # What closes more than the condition opened belongs to what is around it.
        tail = ")" * max(0, -_depth(lines[number:end]))
        yield f"{condition} gone", "\n".join([*lines[:number], gone + tail + _alias(lines[end - 1]), *lines[end:]])


def _end(lines: list[str], number: int) -> int:
    """Behind the last line of the condition that begins here."""
    end = number + 1
    while _depth(lines[number:end]) > 0:
        end += 1
    return end


def _depth(lines: list[str]) -> int:
    text = " ".join(line.partition("--")[0] for line in lines)
    return text.count("(") - text.count(")")


def _alias(line: str) -> str:
    """What stands behind the parenthesis that ends a subquery together with the condition."""
    found = re.search(r"\)( AS \w+|,| \+ .*)?$", line)
    return (found[1] or "") if found and _depth([line]) < 0 else ""


def _lines(line: str) -> Iterator[tuple[str, str]]:
    for found in _INTERVAL.finditer(line):
        for sign in "+-":
            changed = f"({found[0]} {sign} interval '{STEP_S} seconds')"
            yield f"{found[0]} {sign} {STEP_S} s", _put(line, found, changed)
    for found in _WORD.finditer(line):
        other = _another(found[1])
        if other is not None:
            yield f"{other} instead of {found[1]}", _put(line, found, f"'{other}'")
            if f", {found[0]}" in line or f"{found[0]}, " in line:
                yield f"without {found[1]}", _put(line, found, "NULL")
    for found in _BOUND.finditer(line):
        step = 1 if int(found[2]) < LARGE else int(found[2]) // 10
        for value in (int(found[2]) - step, int(found[2]) + step):
            yield f"{found[1]} {value} instead of {found[2]}", _put(line, found, f"{found[1]} {value}")


def _put(line: str, found: re.Match[str], text: str) -> str:
    return line[: found.start()] + text + line[found.end() :]


def _another(word: str) -> str | None:
    """Another word of a closed list that has this one; None for what is no closed word."""
    for key in keys().values():
        if word in key.words:
            left = sorted(key.words - {word})
            return left[0] if left else f"no {word}"
    return None
