"""Which columns an ES|QL query has after each of its commands."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

from siem.proof.grammars.reading import Compared, Word
from siem.schema import keys

_PARSER: Any = import_module("esql_parser.EsqlBaseParser").EsqlBaseParser

METADATA = frozenset({"_id", "_index", "_version", "_score", "_source"})
"""Columns that FROM adds when asked."""
FUNCTIONS = frozenset(
    """abs acos asin atan atan2 avg bucket case categorize cbrt ceil cidr_match coalesce concat cos cosh count
    count_distinct date_diff date_extract date_format date_parse date_trunc ends_with exp floor greatest hash hypot
    ip_prefix kql least left length locate log log10 ltrim match match_phrase max md5 median median_absolute_deviation
    min mv_append mv_avg mv_concat mv_count mv_dedupe mv_first mv_last mv_max mv_median mv_min mv_percentile mv_slice
    mv_sort mv_sum mv_zip now percentile pi pow qstr repeat replace reverse right round rtrim sha1 sha256 signum sin
    sinh split sqrt st_distance st_x st_y starts_with std_dev substring sum tan tanh tau term to_boolean
    to_cartesianpoint to_date_nanos to_dateperiod to_datetime to_degrees to_double to_geopoint to_integer to_ip to_long
    to_lower to_radians to_string to_timeduration to_upper to_version top trim weighted_avg
    values""".split()  # noqa: SIM905 -- words are read more easily
)
"""Of Elastic's reference, "ES|QL functions and operators", those of 9.1 that may be of use here."""
_COMPARING = (_PARSER.ComparisonContext, _PARSER.LogicalInContext, _PARSER.MatchBooleanExpressionContext)
_NAME = re.compile(r"@?[A-Za-z_][\w.]*")


class Columns:
    """Follows the columns of one query through its commands, and keeps what it asks for and what is wrong."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.asked: set[str] = set()
        """Columns of events, and names that nobody knows."""
        self.compared: set[Compared] = set()
        self._there = set(keys())
        self._made: set[str] = set()
        """Those of the columns there that hold something else than the key of their name."""
        self._open = False
        """A table of others was joined: its columns are not known."""
        self._commands: dict[str, Callable[[Any], None]] = {
            "from": self._from,
            "eval": self._eval,
            "where": self._use,
            "sort": self._use,
            "limit": self._use,
            "keep": self._keep,
            "drop": self._drop,
            "rename": self._rename,
            "stats": self._stats,
            "inlinestats": self._inline_stats,
            "enrich": self._enrich,
            "join": self._join,
            "dissect": self._dissect,
            "mvExpand": self._use,
        }

    def after(self, command: str, tree: Any) -> None:
        """Go on to what is there after this command."""
        if command not in self._commands:
            self.problems.append(f"{_place(tree)}: a command that this reader does not know: {command}")
            return
        self._commands[command](tree)

    def _from(self, tree: Any) -> None:
        metadata = tree.indexPatternAndMetadataFields().metadata()
        named = {one.getText() for one in metadata.UNQUOTED_SOURCE()} if metadata else set[str]()
        self._wrong_unless(not named - METADATA, tree, f"no metadata: {sorted(named - METADATA)}")
        self._there |= named
        self._made |= named

    def _eval(self, tree: Any) -> None:
        """Each field sees those before it."""
        for field in tree.fields().field():
            self._use(field.booleanExpression())
            self._make(_target(field))

    def _make(self, name: str) -> None:
        self._there.add(name)
        self._made.add(name)

    def _stats(self, tree: Any) -> None:
        grouping = self._groups(tree)
        names = self._aggregates(tree)
        self._made = {name for name in {*names, *grouping} if name in self._made or name in names}
        self._there = {*names, *grouping}
        self._open = False

    def _inline_stats(self, tree: Any) -> None:
        self._groups(tree)
        for name in self._aggregates(tree):
            self._make(name)

    def _groups(self, tree: Any) -> list[str]:
        names: list[str] = []
        for field in tree.grouping.field() if tree.grouping else ():
            self._use(field.booleanExpression())
            names.append(_target(field))
            if field.qualifiedName() is not None:
                self._make(names[-1])
        return names

    def _aggregates(self, tree: Any) -> list[str]:
        names: list[str] = []
        for aggregate in tree.stats.aggField() if tree.stats else ():
            self._use(aggregate.field().booleanExpression())
            if aggregate.booleanExpression() is not None:
                self._use(aggregate.booleanExpression())
            names.append(_target(aggregate.field()))
        return names

    def _keep(self, tree: Any) -> None:
        self._there = {name for pattern in _patterns(tree) for name in self._matching(pattern, tree)}

    def _drop(self, tree: Any) -> None:
        self._there -= {name for pattern in _patterns(tree) for name in self._matching(pattern, tree)}

    def _matching(self, pattern: str, tree: Any) -> list[str]:
        found = fnmatch.filter(self._there, pattern)
        if not found:
            self._name(pattern, tree)
        for name in found if "*" not in pattern else ():
            self._name(name, tree)
        return found

    def _rename(self, tree: Any) -> None:
        for clause in tree.renameClause():
            old, new = _plain(clause.oldName), _plain(clause.newName)
            self._name(old, clause)
            self._there.discard(old)
            self._make(new)

    def _enrich(self, tree: Any) -> None:
        self._name(_plain(tree.matchField), tree)
        for clause in tree.enrichWithClause():
            self._make(_plain(clause.newName or clause.enrichField))
        self._open = self._open or not tree.enrichWithClause()

    def _dissect(self, tree: Any) -> None:
        """Its pattern names what it makes: `%{name}`, with `+` or `?` before and `->` behind."""
        self._use(tree.primaryExpression())
        for name in re.findall(r"%\{[+&?]?([\w.]*)", tree.string().getText()):
            self._make(name)

    def _join(self, tree: Any) -> None:
        for predicate in tree.joinCondition().joinPredicate():
            self._use(predicate)
        self._open = True

    def _use(self, tree: Any) -> None:
        """An expression, with all that is in it."""
        for node in _nodes(tree):
            if isinstance(node, _PARSER.QualifiedNameContext):
                self._name(_plain(node), node)
            elif isinstance(node, _PARSER.FunctionNameContext):
                name = node.getText().lower()
                self._wrong_unless(name in FUNCTIONS, node, f"no function that this reader knows: {name}")
            elif isinstance(node, _COMPARING):
                self._compare(node)

    def _compare(self, node: Any) -> None:
        """`name == constant`, `name IN (constants)` and `name : constant`."""
        parts = [node.getChild(index).getText() for index in range(node.getChildCount())]
        names = [part for part in parts if _NAME.fullmatch(part) and part in self._there - self._made]
        if "==" not in parts and "!=" not in parts and "(" not in parts and ":" not in parts:
            return
        for name in names[:1]:
            self.compared |= {Compared(name, word) for part in parts if (word := _constant(part)) is not None}

    def _name(self, name: str, tree: Any) -> None:
        if name in self._there:
            self.asked |= {name} - self._made
        elif not self._open:
            self.asked |= set() if name in keys() else {name}
            self._wrong_unless(False, tree, f"no column {name} is there")

    def _wrong_unless(self, condition: bool, tree: Any, problem: str) -> None:  # noqa: FBT001
        if not condition:
            self.problems.append(f"{_place(tree)}: {problem}")


def _nodes(tree: Any) -> Iterator[Any]:
    yield tree
    for index in range(tree.getChildCount()):
        yield from _nodes(tree.getChild(index))


def _target(field: Any) -> str:
    """The name that a field has; without an assignment its own text."""
    return _plain(field.qualifiedName() or field.booleanExpression())


def _patterns(tree: Any) -> list[str]:
    return [_plain(one) for one in tree.qualifiedNamePatterns().qualifiedNamePattern()]


def _plain(tree: Any) -> str:
    return str(tree.getText()).replace("`", "")


def _constant(text: str) -> Word | None:
    if text.startswith('"'):
        return text.strip('"')
    if text.lower() in {"true", "false"}:
        return text.lower() == "true"
    return float(text) if re.fullmatch(r"-?\d+(\.\d+)?", text) else None


def _place(tree: Any) -> str:
    start = getattr(tree, "start", None)
    return "somewhere" if start is None else f"line {start.line}, column {start.column}"
