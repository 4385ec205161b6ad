"""The few lines of Painless that our pipelines have: conditions, and scripts of assignments.

Types are Java's as Elasticsearch reads JSON: whole numbers are Integer or Long, others Double. `==` compares values.
A property of null raises, as a NullPointerException would.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from siem.proof.ingest.document import Failed, NotKnown
from siem.proof.ingest.java import Math, as_long, called, field_of, instance_of, new, times

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'[^'\\]*')|(?P<number>\d+(?:\.\d+|L)?)|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<sign>\?\.|==|!=|<=|&&|\|\||[-!.*(){}\[\],;=]))"
)

_LAST_TOKEN = ("end", "")

Token = tuple[str, str]
Scope = dict[str, Any]


def condition(source: str, context: Mapping[str, Any]) -> bool:
    """What a condition says of a document. Raises `NotKnown`, or `Failed` where Painless would throw."""
    reader = _Reader(source, {"ctx": context})
    value = reader.expression()
    reader.expect("")
    if not isinstance(value, bool):
        raise Failed(f"condition {source!r} gives no boolean")
    return value


def run(source: str, context: dict[str, Any]) -> None:
    """Run a script, which may change the document."""
    reader = _Reader(source, {"ctx": context})
    while reader.token != _LAST_TOKEN:
        reader.statement()


class _Reader:
    """Reads and evaluates at once; what is not to be evaluated is read with `live` off."""

    def __init__(self, source: str, scope: Scope) -> None:
        self._tokens = _tokens(source)
        self._at = 0
        self._scope = scope
        self._live = True

    @property
    def token(self) -> Token:
        return self._tokens[self._at]

    def expect(self, sign: str) -> str:
        kind, text = self.token
        if text != sign:
            raise NotKnown(f"{sign!r} was expected, {text!r} found ({kind})")
        self._at += sign != ""
        return text

    def _taken(self, *signs: str) -> str | None:
        kind, text = self.token
        if kind in {"sign", "name"} and text in signs:
            self._at += 1
            return text
        return None

    def _name(self) -> str:
        kind, text = self.token
        if kind != "name":
            raise NotKnown(f"a name was expected, {text!r} found")
        self._at += 1
        return text

    def statement(self) -> None:
        if self._taken("if"):
            self._if()
        elif self._taken("def"):
            name = self._name()
            self.expect("=")
            self._scope[name] = self.expression()
            self.expect(";")
        else:
            self._assignment_or_call()

    def _if(self) -> None:
        self.expect("(")
        chosen = self.expression()
        self.expect(")")
        self._block(live=chosen is True)
        if self._taken("else"):
            self._block(live=chosen is False)

    def _block(self, *, live: bool) -> None:
        outer, self._live = self._live, self._live and live
        self.expect("{")
        while not self._taken("}"):
            self.statement()
        self._live = outer

    def _assignment_or_call(self) -> None:
        start = self._at
        path = [self._name()]
        while self._taken("."):
            path.append(self._name())
        if self._taken("="):
            value = self.expression()
            self.expect(";")
            if self._live:
                self._assign(path, value)
            return
        self._at = start
        self.expression()
        self.expect(";")

    def _assign(self, path: Sequence[str], value: Any) -> None:
        if len(path) == 1:
            raise NotKnown(f"assignment to the variable {path[0]}")
        place = self._scope[path[0]]
        for part in path[1:-1]:
            place = field_of(place, part)
        if not isinstance(place, dict):
            raise Failed(f"{'.'.join(path[:-1])} is no object")
        place[path[-1]] = value

    def expression(self) -> Any:
        return self._chain(("||",), lambda: self._chain(("&&",), self._equality))

    def _chain(self, signs: tuple[str], operand: Callable[[], Any]) -> Any:
        value = operand()
        while sign := self._taken(*signs):
            outer = self._live
            decided = value is (sign == "||")
            self._live = outer and not decided
            right = operand()
            self._live = outer
            value = value if decided else right
        return value

    def _equality(self) -> Any:
        value = self._relation()
        while sign := self._taken("==", "!="):
            right = self._relation()
            value = (value == right) is (sign == "==")
        return value

    def _relation(self) -> Any:
        value = self._product()
        if self._taken("instanceof"):
            return instance_of(value, self._name())
        if self._taken("<="):
            right = self._product()
            return value <= right if self._live else None
        return value

    def _product(self) -> Any:
        value = self._unary()
        while self._taken("*"):
            right = self._unary()
            value = times(value, right) if self._live else None
        return value

    def _unary(self) -> Any:
        if self._taken("!"):
            value = self._unary()
            return (not value) if self._live else None
        if list(self._tokens[self._at : self._at + 3]) == [("sign", "("), ("name", "long"), ("sign", ")")]:
            self._at += 3
            value = self._unary()
            return as_long(int(value)) if self._live else None
        return self._postfix()

    def _postfix(self) -> Any:
        value = self._primary()
        while sign := self._taken(".", "?."):
            name = self._name()
            arguments = self._arguments() if self._taken("(") else None
            if not self._live or (sign == "?." and value is None):
                value = None
            elif arguments is None:
                value = field_of(value, name)
            else:
                value = called(value, name, arguments)
        return value

    def _arguments(self) -> list[Any]:
        return self._listed(")")

    def _listed(self, end: str) -> list[Any]:
        values: list[Any] = []
        while not self._taken(end):
            if values:
                self.expect(",")
            values.append(self.expression())
        return values

    def _primary(self) -> Any:
        kind, text = self.token
        self._at += 1
        match kind, text:
            case "text", _:
                return text[1:-1]
            case "number", _:
                return int(text.rstrip("L")) if "." not in text else float(text)
            case "sign", "(":
                value = self.expression()
                self.expect(")")
                return value
            case "sign", "[":
                return self._listed("]")
            case "name", _:
                return self._named(text)
            case _:
                raise NotKnown(f"{text!r} in an expression")

    def _named(self, name: str) -> Any:
        if name == "null":
            return None
        if name == "Math":
            return Math
        if name == "new":
            made = self._name()
            self.expect("(")
            self.expect(")")
            return new(made)
        if name not in self._scope:
            raise NotKnown(f"the name {name}")
        return self._scope[name]


@cache
def _tokens(source: str) -> Sequence[Token]:
    found: list[Token] = []
    at = 0
    while at < len(source.rstrip()):
        match = _TOKEN.match(source, at)
        if match is None:
            raise NotKnown(f"{source[at : at + 20]!r}")
        assert match.lastgroup is not None
        found.append((match.lastgroup, match[match.lastgroup]))
        at = match.end()
    return [*found, _LAST_TOKEN]
