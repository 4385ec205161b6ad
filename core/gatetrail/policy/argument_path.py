"""Paths into the arguments of a call: `customer.iban`, `items[*].card`, `**.ssn`, `["a.b"][0]`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import assert_never

MAX_STEPS = 16

_NAME = re.compile(r"[^\s.\[\]\"'*$]+")
_INDEX = re.compile(r"\[(\*|[0-9]{1,6})\]")
_QUOTED = re.compile(r'\["([^"\\]+)"\]')


@dataclass(frozen=True, slots=True)
class Name:
    """One key, case-folded."""

    key: str


@dataclass(frozen=True, slots=True)
class AnyName:
    """Any one key."""


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a list, counted from 0; None for any."""

    index: int | None


@dataclass(frozen=True, slots=True)
class AnyDepth:
    """Any number of keys and items, none too."""


Step = Name | AnyName | Item | AnyDepth
Steps = tuple[Step, ...]


def parse_path(text: str) -> Steps:
    """The steps of a path. Raises ValueError with what is wrong and what would be right."""
    if text.startswith("$"):
        raise ValueError("begins with `$`; leave it out, a path begins with the name of an argument")
    steps: list[Step] = []
    position = 0
    while position < len(text):
        if steps and text[position] == ".":
            position += 1
        elif steps and text[position] != "[":
            raise _unexpected(text, position)
        step, position = _step(text, position)
        steps.append(step)
    if AnyDepth() in steps[-1:]:
        raise ValueError("ends with `**`; a name has to follow, or leave it out: all below a place belongs to it")
    if len(steps) > MAX_STEPS:
        raise ValueError(f"has more than {MAX_STEPS} steps")
    return tuple(steps)


def onward(steps: Steps, key: str | int) -> tuple[Steps, ...]:
    """What is left of a path one name or one item further down, in each way that it can be read.

    None: the path does not lead there; no steps left: it ends there.
    """
    first, rest = steps[0], steps[1:]
    match first:
        case AnyDepth():
            return (steps, *onward(rest, key))
        case AnyName():
            fits = isinstance(key, str)
        case Name(name):
            fits = isinstance(key, str) and key.casefold() == name
        case Item(index):
            fits = isinstance(key, int) and index in {None, key}
        case _:
            assert_never(first)
    return (rest,) if fits else ()


def _step(text: str, position: int) -> tuple[Step, int]:
    if text.startswith("**", position):
        return AnyDepth(), position + 2
    if text.startswith("*", position):
        return AnyName(), position + 1
    if match := _INDEX.match(text, position):
        return Item(None if match[1] == "*" else int(match[1])), match.end()
    match = _QUOTED.match(text, position)
    if match is not None:
        return Name(match[1].casefold()), match.end()
    match = _NAME.match(text, position)
    if match is None:
        raise _unexpected(text, position)
    return Name(match[0].casefold()), match.end()


def _unexpected(text: str, position: int) -> ValueError:
    found = repr(text[position]) if position < len(text) else "the end"
    wanted = 'names joined by dots, with *, **, [*], [0] or ["a name"]'
    return ValueError(f"holds {found} at character {position + 1}; expected {wanted}")
