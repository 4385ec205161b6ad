r"""Kibana's query language: a backend for pySigma, which has none for it.

Grammar: `kuery.peg` of Kibana's package kbn-es-query. `not` binds closer than `and`, `and` closer than `or`. A text in
double quotes is taken as it is, with `\` before `"` and `\`; without quotes `*` stands for any text and
`\():<>"*` need a `\` before them.
"""
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import re
from typing import ClassVar

from sigma.conditions import ConditionAND, ConditionItem, ConditionNOT, ConditionOR
from sigma.conversion.base import TextQueryBackend
from sigma.conversion.state import ConversionState
from sigma.exceptions import SigmaFeatureNotSupportedByBackendError
from sigma.types import CompareOperators, SigmaString, SpecialChars

from siem.languages.sigma import condition
from siem.rule import Rule

_BARE = re.compile(r"(?!(?:and|or|not|true|false|null)$)[A-Za-z_][A-Za-z0-9_.]*", re.IGNORECASE)
"""Means the same with quotes and without."""
_UNSAFE = re.compile(r"[{}\s]")
"""Older and newer Kibana, or words and phrases, read these in different ways beside a wildcard."""


class KueryBackend(TextQueryBackend):
    """Keywords are compared exactly there, and so is what this gives: write closed words as the events have them."""

    name: ClassVar[str] = "Kibana query language"
    formats: ClassVar[dict[str, str]] = {"default": "Text for Kibana's search bar, rules and saved objects"}
    requires_pipeline: ClassVar[bool] = False
    precedence: ClassVar[tuple[type[ConditionItem], type[ConditionItem], type[ConditionItem]]] = (
        ConditionNOT,
        ConditionAND,
        ConditionOR,
    )
    parenthesize: bool = False
    group_expression: ClassVar[str | None] = "({expr})"
    token_separator: str = " "  # noqa: S105 -- no token that opens anything
    or_token: ClassVar[str] = "or"  # noqa: S105 -- no token that opens anything
    and_token: ClassVar[str] = "and"  # noqa: S105 -- no token that opens anything
    not_token: ClassVar[str] = "not"  # noqa: S105 -- no token that opens anything
    eq_token: ClassVar[str] = ": "  # noqa: S105 -- no token that opens anything
    field_escape: ClassVar[str | None] = "\\"
    field_escape_pattern: ClassVar[re.Pattern[str] | None] = re.compile(r'[\\():<>"*]')
    bool_values: ClassVar[dict[bool, str | None]] = {True: "true", False: "false"}
    cidr_expression: ClassVar[str | None] = '{field}: "{value}"'
    compare_op_expression: ClassVar[str | None] = "{field} {operator} {value}"
    compare_operators: ClassVar[dict[CompareOperators, str] | None] = {
        CompareOperators.LT: "<",
        CompareOperators.LTE: "<=",
        CompareOperators.GT: ">",
        CompareOperators.GTE: ">=",
    }
    field_null_expression: ClassVar[str | None] = "(not {field}: *)"
    field_exists_expression: ClassVar[str | None] = "{field}: *"
    field_not_exists_expression: ClassVar[str | None] = "(not {field}: *)"
    convert_or_as_in: ClassVar[bool] = True
    in_expressions_allow_wildcards: ClassVar[bool] = True
    field_in_list_expression: ClassVar[str | None] = "{field}{op} ({list})"
    or_in_operator: ClassVar[str | None] = ":"
    list_separator: ClassVar[str | None] = " or "
    unbound_value_str_expression: ClassVar[str | None] = "{value}"
    unbound_value_num_expression: ClassVar[str | None] = "{value}"

    def convert_value_str(self, s: SigmaString, state: ConversionState) -> str:  # noqa: ARG002 -- the backend's hook
        """Raises SigmaFeatureNotSupportedByBackendError for `?`, and for a space or a brace beside a wildcard."""
        if not s.contains_special():
            text = "".join(part for part in s.s if isinstance(part, str))
            return text if _BARE.fullmatch(text) else _quoted(text)
        return "".join(_unquoted(part) for part in s.s)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _unquoted(part: object) -> str:
    if part is SpecialChars.WILDCARD_MULTI:
        return "*"
    if not isinstance(part, str) or _UNSAFE.search(part):
        raise SigmaFeatureNotSupportedByBackendError(f"Kibana's language has no pattern for {part!r}")
    return re.sub(r'[\\():<>"*]', lambda found: "\\" + found[0], part)


def kuery(rule: Rule) -> str:
    """The search of the rule; of a rule that counts, the search for what it counts."""
    return condition(rule, KueryBackend())
