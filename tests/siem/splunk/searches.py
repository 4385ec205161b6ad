"""The part of a search before the first pipe, as far as event types use it: our reading of Splunk's, not Splunk.

Source: help.splunk.com, Search Reference, the command `search`: words side by side mean AND; values are compared
without regard to case, and a star stands for anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache

from tests.siem.splunk.expressions import Fields, Value
from tests.siem.splunk.tokens import Tokens

Condition = Callable[[Fields], bool]


@cache
def search(text: str) -> Condition:
    """Raises ValueError for what it does not know."""
    tokens = Tokens(text)
    found = _either(tokens)
    if tokens.next:
        raise ValueError(f"more follows: {tokens.next}")
    return found


def _either(tokens: Tokens) -> Condition:
    parts = [_all(tokens)]
    while tokens.next.upper() == "OR":
        tokens.take()
        parts.append(_all(tokens))
    return lambda fields: any(part(fields) for part in parts)


def _all(tokens: Tokens) -> Condition:
    parts = [_one(tokens)]
    while tokens.next and tokens.next != ")" and tokens.next.upper() != "OR":
        parts.append(_one(tokens))
    return lambda fields: all(part(fields) for part in parts)


def _one(tokens: Tokens) -> Condition:
    kind, name = tokens.take()
    if name == "(":
        inner = _either(tokens)
        tokens.demand(")")
        return inner
    if kind != "word":
        raise ValueError(f"not understood: {name}")
    if tokens.next.upper() == "IN":
        tokens.take()
        return _having(name, [text.strip('"') for _, text in tokens.listed(tokens.take)])
    tokens.demand("=")
    return _having(name, [tokens.take()[1].strip('"')])


def _having(name: str, values: Sequence[str]) -> Condition:
    patterns = [re.compile(re.escape(value).replace(r"\*", ".*"), re.IGNORECASE) for value in values]
    return lambda fields: any(pattern.fullmatch(one) for pattern in patterns for one in _texts(fields.get(name)))


def _texts(value: Value) -> Sequence[str]:
    if value is None:
        return ()
    return value if isinstance(value, tuple) else (str(value),)
