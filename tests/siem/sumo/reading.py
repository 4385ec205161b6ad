"""The part of Sumo Logic's `where` that our searches use, evaluated as we read its documentation; Sumo has not seen it.

What a comparison with null gives is not documented, so it is given: None as in SQL, or False.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_TOKEN = re.compile(r'\s*("(?:[^"\\]|\\.)*"|!=|[!=(),]|[A-Za-z_][A-Za-z0-9_]*)')


@dataclass
class Where:
    """One expression over one event, read from left to right."""

    expression: str
    event: Mapping[str, Any]
    of_null: bool | None

    def holds(self) -> bool:
        """Raises ValueError for what is not of the language."""
        self.left = self.tokens()
        found = self.either()
        if self.left:
            raise ValueError(f"not read: {self.left}")
        return found is True

    def tokens(self) -> list[str]:
        found: list[str] = []
        place = 0
        while place < len(self.expression):
            token = _TOKEN.match(self.expression, place)
            if token is None:
                raise ValueError(self.expression[place:])
            found.append(token[1])
            place = token.end()
        return found

    def either(self) -> bool | None:
        found = [self.all()]
        while self.left[:1] == ["or"]:
            self.left.pop(0)
            found.append(self.all())
        return True if True in found else None if None in found else False

    def all(self) -> bool | None:
        found = [self.one()]
        while self.left[:1] == ["and"]:
            self.left.pop(0)
            found.append(self.one())
        return False if False in found else None if None in found else True

    def one(self) -> bool | None:
        word = self.left.pop(0)
        if word == "!":
            found = self.one()
            return None if found is None else not found
        if word == "(":
            found = self.either()
            self.want(")")
            return found
        return self.empty() if word == "isEmpty" else self.compared(word)

    def empty(self) -> bool:
        self.want("(")
        key = self.left.pop(0)
        self.want(")")
        return not self.event.get(key)

    def compared(self, key: str) -> bool | None:
        operator = self.left.pop(0)
        wanted = self.texts() if operator == "in" else [unquoted(self.left.pop(0))]
        found = self.event.get(key)
        if found is None:
            return self.of_null
        if operator == "matches":
            return re.fullmatch(".*".join(map(re.escape, wanted[0].split("*"))), found, re.DOTALL) is not None
        if operator not in {"=", "in"}:
            raise ValueError(operator)
        return found in wanted

    def texts(self) -> Sequence[str]:
        self.want("(")
        found = [unquoted(self.left.pop(0))]
        while self.left[:1] == [","]:
            self.left.pop(0)
            found.append(unquoted(self.left.pop(0)))
        self.want(")")
        return found

    def want(self, token: str) -> None:
        if self.left.pop(0) != token:
            raise ValueError(f"{token} is missing in {self.expression}")


def unquoted(token: str) -> str:
    """The text between quotes, without the backslashes that protect it."""
    if not (token.startswith('"') and token.endswith('"')):
        raise ValueError(f"no text: {token}")
    return re.sub(r"\\(.)", r"\1", token[1:-1])
