"""Sumo Logic's log search.

There is no parser of it to be had, so what is written is kept small: keys out of the JSON, one `where`, one count. Read
in Sumo's documentation: `where` (https://www.sumologic.com/help/docs/search/search-query-language/search-operators/where/),
`json` with `nodrop`, which gives null for a key that is not there, `isEmpty`, which is true for null, `in`, `matches`
with `*`, `timeslice`, `count_distinct`. Texts are compared with regard to case, as Datadog does. What a
comparison with null gives is not said there, so whatever stands under a NOT asks for the key first.
"""
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import ClassVar

from sigma.collection import SigmaCollection
from sigma.conditions import ConditionAND, ConditionFieldEqualsValueExpression, ConditionNOT, ConditionOR
from sigma.conversion.base import TextQueryBackend
from sigma.conversion.state import ConversionState
from sigma.exceptions import SigmaError
from sigma.types import SigmaString, SpecialChars

from siem.languages.sigma import base
from siem.rule import Rule, Window
from siem.sources import RuleBroken

EVERYTHING = "_sourceCategory=mcp/governance/audit"
"""All of our events; `siem-samples/sumo/README.md` says how they get this category."""

_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_EVENT = "event_id"
DIFFERENT = "different_values"
"""What a count of different values is called in the results."""
EVENTS = "event_count"
"""What a count of events is called there; one that was delivered twice counts once."""


def search(rule: Rule) -> str:
    """What finds the rule's events, or of COUNT and DISTINCT the groups, in slices as long as the window.

    A slice starts where the clock says, so a burst over its border is seen in `alert` only. Raises `RuleBroken`, with
    the rule's file, where the language cannot say it, or nobody has looked how it does.
    """
    return _joined((*_selected(rule), *(_counted(rule.window, sliced=True) if rule.window else ())))


def alert(rule: Rule) -> str:
    """For a monitor that runs all the time over the window that just ended: as `search`, without slices.

    Its results have the keys of `alert_groups`.
    """
    return _joined(
        (*_selected(rule, *alert_groups(rule)), *(_counted(rule.window, sliced=False) if rule.window else ()))
    )


def alert_groups(rule: Rule) -> tuple[str, ...]:
    """Keys that tell apart what is told of: the groups of a window, or what an analyst looks at first."""
    return rule.window.group_by if rule.window else rule.fields[:1]


def extraction(keys: Sequence[str]) -> str:
    """The operator that takes keys out of the event; null where one is not there."""
    return f"json {', '.join(quoted(_key(key)) for key in keys)} nodrop"


def quoted(text: str) -> str:
    """As a text in a query: https://www.sumologic.com/help/docs/search/search-query-language/parse-operators/."""
    if not text.isprintable():
        raise NotImplementedError(f"{text!r}, which is more than one line of letters")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _selected(rule: Rule, *shown: str) -> tuple[str, ...]:
    backend = SearchBackend()
    backend.keys = set()
    try:
        (where,) = backend.convert(SigmaCollection.from_dicts([dict(base(rule))]))
        keys = {*backend.keys, *shown, *(rule.window.group_by if rule.window else ())}
        counted = {rule.window.counted or _EVENT} if rule.window else set[str]()
        return (
            EVERYTHING,
            extraction(sorted(keys | counted)),
            f"where {where}",
        )
    except (NotImplementedError, SigmaError) as cause:
        what = str(cause).partition(" (while ")[0]
        raise RuleBroken(f"{rule.path}: Sumo Logic's log search cannot say this: {what}") from cause


def _counted(window: Window, *, sliced: bool) -> Iterator[str]:
    """Events that lack a key do not count; `count_distinct` leaves out null by itself, but not an empty text."""
    needed = dict.fromkeys((*window.group_by, *((window.counted,) if window.counted else ())))
    yield f"where {' and '.join(f'!isEmpty({key})' for key in needed)}"
    if sliced:
        yield f"timeslice {window.timespan}"
    groups = ", ".join((*(("_timeslice",) if sliced else ()), *window.group_by))
    name = DIFFERENT if window.counted else EVENTS
    yield f"count_distinct({window.counted or _EVENT}) as {name} by {groups}"
    yield f"where {name} >= {window.at_least}"


def _joined(operators: Sequence[str]) -> str:
    return "\n| ".join(operators)


def _key(name: str) -> str:
    if not _KEY.fullmatch(name):
        raise NotImplementedError(f"{name!r} as the name of a field")
    return name


class SearchBackend(TextQueryBackend):
    """pySigma's conditions as what follows `where`."""

    name = "Sumo Logic log search"
    group_expression = "({expr})"
    or_token = "or"  # noqa: S105 -- of the language
    and_token = "and"  # noqa: S105 -- of the language
    not_token = "!"  # noqa: S105 -- of the language
    eq_token = " = "  # noqa: S105 -- of the language
    eq_expression = "{field} = {value}"
    case_sensitive_match_expression = "{field} = {value}"
    wildcard_match_expression = "{field} matches {value}"
    field_null_expression = "isEmpty({field})"
    field_exists_expression = "!isEmpty({field})"
    field_not_exists_expression = "isEmpty({field})"
    convert_or_as_in = True
    field_in_list_expression = "{field} in ({list})"
    or_in_operator = "in"
    list_separator = ", "
    parenthesize: bool = True
    bool_values: ClassVar[dict[bool, str | None]] = {True: None, False: None}

    keys: set[str]
    """All that are asked for."""
    _negations: int = 0

    def compare_precedence(self, outer: object, inner: object) -> bool:  # noqa: ARG002 -- the same in every group
        """True where `inner` may stand in a group of another kind without parentheses."""
        if isinstance(inner, ConditionAND | ConditionOR):
            return self.decide_convert_condition_as_in_expression(inner, ConversionState())
        return True

    def convert_condition_not(self, cond: ConditionNOT, state: ConversionState) -> str:
        """Sumo's `!` wants parentheses."""
        self._negations += 1
        inner = self.convert_condition(cond.args[0], state)
        self._negations -= 1
        return f"!({inner})"

    def convert_condition_field_eq_val(self, cond: ConditionFieldEqualsValueExpression, state: ConversionState) -> str:
        """With the key asked for first where it stands under a NOT."""
        return self._guarded(cond.field, str(super().convert_condition_field_eq_val(cond, state)))

    def convert_condition_as_in_expression(self, cond: ConditionOR | ConditionAND, state: ConversionState) -> str:
        """As a single value."""
        first = cond.args[0]
        assert isinstance(first, ConditionFieldEqualsValueExpression)
        return self._guarded(first.field, str(super().convert_condition_as_in_expression(cond, state)))

    def _guarded(self, key: str, asked: str) -> str:
        bare = not self._negations or asked in {f"isEmpty({key})", f"!isEmpty({key})"}
        return asked if bare else f"(!isEmpty({key}) and {asked})"

    def convert_condition_field_eq_val_num(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> str:
        """Keys out of JSON may be numbers or texts of digits there; no rule of ours needs to know."""
        raise NotImplementedError(f"{cond.field}: {cond.value}, a number")

    def convert_condition_field_eq_val_cidr(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> str:
        """There is `compareCIDRPrefix`, for IPv4 alone."""
        raise NotImplementedError(f"{cond.field}: {cond.value}, a network")

    def escape_and_quote_field(self, field_name: str) -> str:
        """As it is, and to be taken out of the event."""
        self.keys.add(_key(field_name))
        return field_name

    def convert_value_str(self, s: SigmaString, state: ConversionState) -> str:  # noqa: ARG002 -- pySigma gives it
        """In quotes, where `*` is a wildcard after `matches` only."""
        plain = str(s.convert(None, "*", "?"))
        if not plain:
            raise NotImplementedError("an empty text as value")
        if s.contains_special() and not all(part is SpecialChars.WILDCARD_MULTI or _is_plain(part) for part in s.s):
            raise NotImplementedError("a wildcard for one character, or one beside the same character as itself")
        return quoted(plain)


def _is_plain(part: object) -> bool:
    return isinstance(part, str) and "*" not in part
