"""What is well formed in `redaction` and still cannot be meant; and what can be meant and does nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, assert_never, cast

from gatetrail.policy.argument_path import parse_path
from gatetrail.policy.expressions import compile_expression
from gatetrail.policy.redaction import ArgumentRule, PatternRule, RedactionPolicy, Shape
from gatetrail.policy.source import Location
from gatetrail.words import Action, Sensitivity

Complaint = tuple[Location, str]

NEVER_KEPT = "a secret is never kept; expected mask, hash or drop"


def redaction_complaints(
    classes: Mapping[str, Any], arguments: Sequence[Any], patterns: Sequence[Any]
) -> Iterator[Complaint]:
    """Place and message for each mistake in plain data; parts of a wrong type are left to others."""
    if classes.get("secret") == Action.KEEP:
        yield ("redaction", "classes", "secret"), NEVER_KEPT
    yield from _each("arguments", arguments, _argument_complaints)
    yield from _each("patterns", patterns, _pattern_complaints)
    seen: dict[str, int] = {}
    for position, rule in enumerate(patterns):
        name = cast("dict[str, Any]", rule).get("id") if isinstance(rule, dict) else None
        if isinstance(name, str) and (first := seen.setdefault(name, position)) != position:
            message = f"the id {name!r} belongs to redaction.patterns[{first}] already; ids are unique"
            yield ("redaction", "patterns", position, "id"), message


def redaction_warnings(policy: RedactionPolicy) -> Iterator[Complaint]:
    """Place and message for each entry that does nothing."""
    for position, rule in enumerate(policy.arguments):
        if message := _idle_argument(policy, rule, policy.arguments[:position]):
            yield ("redaction", "arguments", position), message
    for position, pattern in enumerate(policy.patterns):
        if _kept(policy, pattern):
            message = f"keeps what it finds, as {pattern.sensitivity} values are kept; give it an action"
            yield ("redaction", "patterns", position), message
    if policy.shapes.get(Shape.SECRET_NAME) is Action.KEEP and policy.secret_names:
        yield ("redaction", "secret_names"), "does nothing while the shape secret_name is kept"


def _each(
    key: str, rules: Sequence[Any], complaints: Callable[[Mapping[str, Any]], Iterator[tuple[str, str]]]
) -> Iterator[Complaint]:
    for position, rule in enumerate(rules):
        if isinstance(rule, dict):
            for part, message in complaints(cast("dict[str, Any]", rule)):
                yield ("redaction", key, position, part), message


def _argument_complaints(rule: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    path = rule.get("path")
    if isinstance(path, str) and path:
        try:
            parse_path(path)
        except ValueError as problem:
            yield "path", str(problem)
    if rule.get("action") == Action.KEEP and rule.get("class") == Sensitivity.SECRET:
        yield "action", NEVER_KEPT


def _pattern_complaints(rule: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if rule.get("action") == Action.KEEP:
        yield "action", "a pattern that keeps what it finds does nothing; expected mask, hash or drop"
    pattern = rule.get("pattern")
    if not isinstance(pattern, str) or not pattern:
        return
    try:
        expression = compile_expression(pattern)
    except ValueError as problem:
        yield "pattern", f"is no regular expression of RE2: {problem}"
        return
    if expression.search(b"") is not None:
        yield "pattern", "fits an empty text too, so it would be found everywhere; have it ask for a character"


def _idle_argument(policy: RedactionPolicy, rule: ArgumentRule, earlier: Sequence[ArgumentRule]) -> str | None:
    if not policy.preview_bytes:
        return "does nothing while preview_bytes is 0: no argument is written at all"
    if rule.action is None and _kept(policy, rule):
        return f"keeps what it names, as {rule.sensitivity} values are kept; give it an action"
    for position, before in enumerate(earlier):
        if before.path.casefold() == rule.path.casefold() and _covers(before, rule):
            return f"never has its turn: redaction.arguments[{position}] names the same place and comes first"
    return None


def _covers(before: ArgumentRule, rule: ArgumentRule) -> bool:
    return (not before.tools or before.tools == rule.tools) and (not before.servers or before.servers == rule.servers)


def _kept(policy: RedactionPolicy, rule: ArgumentRule | PatternRule) -> bool:
    return action_of(policy, rule) is Action.KEEP


def action_of(policy: RedactionPolicy, rule: ArgumentRule | PatternRule) -> Action:
    """What is done to what a rule finds."""
    if rule.action is not None:
        return rule.action
    match rule.sensitivity:
        case Sensitivity.PUBLIC:
            return Action.KEEP
        case Sensitivity.SENSITIVE:
            return policy.classes.sensitive
        case Sensitivity.SECRET:
            return policy.classes.secret
        case _:
            assert_never(rule.sensitivity)
