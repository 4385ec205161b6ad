"""Datadog's log search, and what its monitors and detection rules count.

Syntax: https://docs.datadoghq.com/logs/explorer/search_syntax/. Attributes are compared with regard to case, unlike in
Sigma; the values that our rules name are closed lists in lower case, so nothing is lost by it. What `a OR b AND c`
means is not documented, and Vector reads it from left to right; nor `a OR NOT b`, which Vector reads as Lucene does,
`a AND NOT b`. So each group within another is in parentheses, and each NOT within an OR.
"""
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from sigma.collection import SigmaCollection
from sigma.conditions import ConditionAND, ConditionFieldEqualsValueExpression, ConditionNOT, ConditionOR
from sigma.conversion.base import TextQueryBackend
from sigma.conversion.state import ConversionState
from sigma.exceptions import SigmaError
from sigma.rule import SigmaRule
from sigma.types import CompareOperators, SigmaExpansion, SigmaString, SpecialChars

from siem.languages.sigma import base
from siem.rule import Rule
from siem.sources import RuleBroken, seconds

EVERYTHING = "source:gatetrail"
"""All of our events; `siem-samples/datadog/README.md` says how they get this source."""

_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")
_BARE = re.compile(r"[A-Za-z0-9_./]+")
_WORDS = frozenset({"AND", "OR", "NOT", "TO"})
_SPECIAL = re.compile(r"[^\w./]")
"""More than the page lists: a backslash before a character that needs none changes nothing."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """What is counted, and how often it must be there; monitors and detection rules are written from it."""

    search: str
    """Of what counts: every event has all keys of `group_by`, and `counted`."""
    group_by: tuple[str, ...]
    """Keys without `@`."""
    window_s: int
    at_least: int
    counted: str | None
    """The key whose different values are counted, which of events is `event_id`: one that came twice counts once."""


def search(rule: Rule) -> str:
    """What finds the rule's events; of COUNT and DISTINCT those that are counted.

    Raises `RuleBroken`, with the rule's file, where the language cannot say it.
    """
    try:
        (found,) = SearchBackend().convert(SigmaCollection.from_dicts([dict(base(rule))]))
    except (NotImplementedError, SigmaError) as cause:
        what = str(cause).partition(" (while ")[0]
        raise RuleBroken(f"{rule.path}: Datadog's log search cannot say this: {what}") from cause
    return f"{EVERYTHING} AND {found}"


def threshold(rule: Rule) -> Threshold:
    """Of COUNT and DISTINCT as they say; of MATCH one event within its lookback. Raises `RuleBroken` as `search`."""
    window = rule.window
    if window is None:
        return Threshold(search(rule), (), seconds(rule.lookback), 1, None)
    needed = dict.fromkeys((*window.group_by, *((window.counted,) if window.counted else ())))
    return Threshold(
        search=" AND ".join((search(rule), *(f"{_attribute(key)}:*" for key in needed))),
        group_by=window.group_by,
        window_s=window.timespan_s,
        at_least=window.at_least,
        counted=window.counted or "event_id",
    )


def _attribute(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise NotImplementedError(f"{key!r} as the name of an attribute")
    return f"@{key}"


def _value(text: SigmaString) -> str:
    """Bare, in quotes (where wildcards are none), or with a backslash before all that is special but wildcards."""
    plain = str(text.convert(None, "*", "?"))
    if text.contains_special():
        return "".join(_part(part) for part in text.s)
    if not plain:
        raise NotImplementedError("an empty text as value")
    if _BARE.fullmatch(plain) and plain not in _WORDS:
        return plain
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _part(part: object) -> str:
    if part is SpecialChars.WILDCARD_MULTI:
        return "*"
    if not isinstance(part, str):
        raise NotImplementedError("a wildcard for exactly one character, which Datadog has for special ones only")
    if "*" in part or "?" in part:
        raise NotImplementedError("a wildcard beside the same character as itself")
    return _SPECIAL.sub(r"\\\g<0>", part)


class SearchBackend(TextQueryBackend):
    """pySigma's conditions as log searches, without `source`."""

    name = "Datadog log search"
    group_expression = "({expr})"
    or_token = "OR"  # noqa: S105 -- of the language
    and_token = "AND"  # noqa: S105 -- of the language
    not_token = "NOT"  # noqa: S105 -- of the language
    eq_token = ":"  # noqa: S105 -- of the language
    eq_expression = "{field}:{value}"
    case_sensitive_match_expression = "{field}:{value}"
    bool_values: ClassVar[dict[bool, str | None]] = {True: "true", False: "false"}
    cidr_expression = "CIDR(@{field},{value})"
    compare_op_expression = "{field}:{operator}{value}"
    compare_operators: ClassVar[dict[CompareOperators, str] | None] = {
        CompareOperators.LT: "<",
        CompareOperators.LTE: "<=",
        CompareOperators.GT: ">",
        CompareOperators.GTE: ">=",
    }
    field_null_expression = "(NOT {field}:*)"
    field_exists_expression = "{field}:*"
    field_not_exists_expression = "(NOT {field}:*)"
    convert_or_as_in = True
    in_expressions_allow_wildcards = True
    field_in_list_expression = "{field}:({list})"
    or_in_operator = "OR"
    list_separator = " OR "

    def finalize_query_default(
        self,
        rule: SigmaRule,
        query: str,
        index: int,
        state: ConversionState,  # noqa: ARG002 -- pySigma calls it with this
    ) -> str:
        """In parentheses where it could not stand after an AND."""
        top = rule.detection.parsed_condition[index].parsed
        bare = isinstance(top, ConditionAND) or self.compare_precedence(ConditionAND([]), top)
        return query if bare else f"({query})"

    def compare_precedence(self, outer: object, inner: object) -> bool:
        """True where `inner` may stand in `outer` without parentheses."""
        if isinstance(inner, ConditionAND | ConditionOR):
            return self.decide_convert_condition_as_in_expression(inner, ConversionState())
        if isinstance(inner, ConditionFieldEqualsValueExpression):
            return not isinstance(inner.value, SigmaExpansion)
        return isinstance(outer, ConditionAND)

    def convert_condition_not(self, cond: ConditionNOT, state: ConversionState) -> str:
        """Of a list the whole list, of a group the group."""
        inner = str(self.convert_condition(cond.args[0], state))
        return f"NOT {inner}" if self.compare_precedence(cond, cond.args[0]) else f"NOT ({inner})"

    def escape_and_quote_field(self, field_name: str) -> str:
        """With the `@` that makes it an attribute."""
        return _attribute(field_name)

    def convert_condition_field_eq_val_num(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> str:
        """A minus sign is an operator, and no number of ours has one."""
        if str(cond.value).startswith("-"):
            raise NotImplementedError(f"{cond.value}, a negative number")
        return str(super().convert_condition_field_eq_val_num(cond, state))

    def convert_value_str(self, s: SigmaString, state: ConversionState) -> str:  # noqa: ARG002 -- pySigma gives it
        """Quoted or escaped as it must be."""
        return _value(s)
