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
from siem.proof.ingest.java import Math, as_long, called, equal, field_of, instance_of, new, times

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'[^'\\]*')|(?P<number>\d+(?:\.\d+|L)?)|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<sign>\?\.|==|!=|<=|&&|\|\||[-!.*(){}\[\],;=]))"
)

_LAST_TOKEN = ("end", "")

Token = tuple[str, str]
Scope = dict[str, Any]
"""Values of `ctx` and of the script's own variables."""
Value = Callable[[Scope], Any]
Step = Callable[[Scope], None]


def condition(source: str, context: Mapping[str, Any]) -> bool:
    """What a condition says of a document. Raises `NotKnown`, or `Failed` where Painless would throw."""
    return _truth(_condition(source)({"ctx": context}))


def run(source: str, context: dict[str, Any]) -> None:
    """Run a script, which may change the document. Raises as `condition` does."""
    _run(_script(source), {"ctx": context})


@cache
def _condition(source: str) -> Value:
    reader = _Reader(source)
    value = reader.expression()
    reader.expect("")
    return value


@cache
def _script(source: str) -> Sequence[Step]:
    reader = _Reader(source)
    steps: list[Step] = []
    while reader.token != _LAST_TOKEN:
        steps.append(reader.statement())
    return steps


class _Reader:
    """Reads a source once, and gives what runs it."""

    def __init__(self, source: str) -> None:
        self._tokens = _tokens(source)
        self._at = 0
        self._names = {"ctx"}

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

    def statement(self) -> Step:
        if self._taken("if"):
            return self._if()
        if self._taken("def"):
            return self._definition()
        return self._assignment_or_call()

    def _if(self) -> Step:
        self.expect("(")
        chosen = self.expression()
        self.expect(")")
        then = self._block()
        otherwise = self._block() if self._taken("else") else ()
        return lambda scope: _run(then if _truth(chosen(scope)) else otherwise, scope)

    def _block(self) -> Sequence[Step]:
        self.expect("{")
        steps: list[Step] = []
        while not self._taken("}"):
            steps.append(self.statement())
        return steps

    def _definition(self) -> Step:
        name = self._name()
        self.expect("=")
        value = self.expression()
        self.expect(";")
        self._names.add(name)
        return lambda scope: scope.update({name: value(scope)})

    def _assignment_or_call(self) -> Step:
        start = self._at
        path = [self._name()]
        while self._taken("."):
            path.append(self._name())
        if self._taken("="):
            return self._assignment(path)
        self._at = start
        value = self.expression()
        self.expect(";")

        def step(scope: Scope) -> None:
            value(scope)

        return step

    def _assignment(self, path: Sequence[str]) -> Step:
        if len(path) == 1:
            raise NotKnown(f"assignment to the variable {path[0]}")
        value = self.expression()
        self.expect(";")
        return lambda scope: _assign(scope, path, value(scope))

    def expression(self) -> Value:
        return self._chain("||", lambda: self._chain("&&", self._equality))

    def _chain(self, sign: str, operand: Callable[[], Value]) -> Value:
        """What follows the operand that decides is not asked."""
        values = [operand()]
        while self._taken(sign):
            values.append(operand())
        if len(values) == 1:
            return values[0]
        return lambda scope: any(_truth(value(scope)) for value in values) if sign == "||" else _all(values, scope)

    def _equality(self) -> Value:
        value = self._relation()
        while sign := self._taken("==", "!="):
            value = _compared(value, self._relation(), equals=sign == "==")
        return value

    def _relation(self) -> Value:
        value = self._product()
        if self._taken("instanceof"):
            name = self._name()
            return lambda scope: instance_of(value(scope), name)
        if self._taken("<="):
            right = self._product()
            return lambda scope: value(scope) <= right(scope)
        return value

    def _product(self) -> Value:
        value = self._unary()
        while self._taken("*"):
            value = _times(value, self._unary())
        return value

    def _unary(self) -> Value:
        if self._taken("!"):
            value = self._unary()
            return lambda scope: not _truth(value(scope))
        if list(self._tokens[self._at : self._at + 3]) == [("sign", "("), ("name", "long"), ("sign", ")")]:
            self._at += 3
            value = self._unary()
            return lambda scope: as_long(int(value(scope)))
        return self._postfix()

    def _postfix(self) -> Value:
        value = self._primary()
        while sign := self._taken(".", "?."):
            name = self._name()
            arguments = self._listed(")") if self._taken("(") else None
            value = _member(value, name, arguments, or_null=sign == "?.")
        return value

    def _listed(self, end: str) -> Sequence[Value]:
        values: list[Value] = []
        while not self._taken(end):
            if values:
                self.expect(",")
            values.append(self.expression())
        return values

    def _primary(self) -> Value:
        kind, text = self.token
        self._at += 1
        match kind, text:
            case "text", _:
                return _constant(text[1:-1])
            case "number", _:
                return _constant(int(text.rstrip("L")) if "." not in text else float(text))
            case "sign", "(":
                value = self.expression()
                self.expect(")")
                return value
            case "sign", "[":
                values = self._listed("]")
                return lambda scope: [value(scope) for value in values]
            case "name", _:
                return self._named(text)
            case _:
                raise NotKnown(f"{text!r} in an expression")

    def _named(self, name: str) -> Value:
        if name == "null":
            return _constant(None)
        if name == "Math":
            return _constant(Math)
        if name == "new":
            made = self._name()
            self.expect("(")
            self.expect(")")
            return lambda _: new(made)
        if name not in self._names:
            raise NotKnown(f"the name {name}")
        return lambda scope: scope[name]


def _run(steps: Sequence[Step], scope: Scope) -> None:
    for step in steps:
        step(scope)


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Failed(f"{value!r} is no boolean")
    return value


def _all(values: Sequence[Value], scope: Scope) -> bool:
    return all(_truth(value(scope)) for value in values)


def _constant(value: Any) -> Value:
    return lambda _: value


def _compared(left: Value, right: Value, *, equals: bool) -> Value:
    return lambda scope: equal(left(scope), right(scope)) is equals


def _times(left: Value, right: Value) -> Value:
    return lambda scope: times(left(scope), right(scope))


def _member(value: Value, name: str, arguments: Sequence[Value] | None, *, or_null: bool) -> Value:
    """A property or what a method gives; of null it is null where `?.` stands."""

    def member(scope: Scope) -> Any:
        of = value(scope)
        if or_null and of is None:
            return None
        if arguments is None:
            return field_of(of, name)
        return called(of, name, [argument(scope) for argument in arguments])

    return member


def _assign(scope: Scope, path: Sequence[str], value: Any) -> None:
    place = scope[path[0]]
    for part in path[1:-1]:
        place = field_of(place, part)
    if not isinstance(place, dict):
        raise Failed(f"{'.'.join(path[:-1])} is no object")
    place[path[-1]] = value


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
