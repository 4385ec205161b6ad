"""Mistakes in the policy's `redaction` are told with file and line."""

from __future__ import annotations

import pytest

from gatetrail.errors import PolicyInvalid
from gatetrail.policy.check_redaction import redaction_warnings
from gatetrail.policy.load import parse_policy
from gatetrail.policy.source import text_of

pytestmark = pytest.mark.requirement("F3")


def problem_in(entry: str) -> str:
    with pytest.raises(PolicyInvalid) as caught:
        parse_policy(f"redaction:\n  {entry}\n", "policy.yaml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(?=a)b", "RE2 has no look-ahead"),
        ("(?<=a)b", "RE2 has no look-behind"),
        (r"(a)\1", "RE2 has no back-references"),
        (r"a\Z", r"RE2 writes the end of the text as \z"),
        ("a{2000}", "RE2 repeats a part at most 1,000 times"),
        ("a++", "RE2 has no possessive repetition"),
        (r"(\pL{200}){5}", "the pattern is too large; make its repetitions smaller"),
        ("(a", "missing )"),
        ("a*", "fits an empty text too"),
    ],
)
def test_a_pattern_that_cannot_be_used_is_told_with_its_line(pattern: str, message: str) -> None:
    told = problem_in(f"patterns: [{{id: x, pattern: '{pattern}'}}]")
    assert told.startswith("policy.yaml:2: redaction.patterns[0].pattern: ")
    assert message in told


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("$.a", "leave it out"),
        ("a..b", "holds '.' at character 3"),
        (".a", "holds '.' at character 1"),
        ("a.", "holds the end at character 3"),
        ("a[x]", "holds '[' at character 2"),
        ("a b", "holds ' ' at character 2"),
        ("a.**", "a name has to follow"),
        (".".join("abcdefghijklmnopq"), "has more than 16 steps"),
    ],
)
def test_a_path_that_is_none_is_told_with_what_would_be_one(path: str, message: str) -> None:
    told = problem_in(f"arguments: [{{path: '{path}'}}]")
    assert told.startswith("policy.yaml:2: redaction.arguments[0].path: ")
    assert message in told


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("classes: {secret: keep}", "redaction.classes.secret: a secret is never kept; expected mask, hash or drop"),
        ("arguments: [{path: a, class: secret, action: keep}]", "arguments[0].action: a secret is never kept"),
        ("arguments: [{path: a, class: secrt}]", "unknown sensitivity 'secrt' (did you mean 'secret'?)"),
        ("arguments: [{path: a, clas: secret}]", "unknown key; did you mean 'class'?"),
        ("patterns: [{id: x, pattern: y, action: keep}]", "a pattern that keeps what it finds does nothing"),
        ("patterns: [{id: x, pattern: y}, {id: x, pattern: z}]", "the id 'x' belongs to redaction.patterns[0] already"),
        ("shapes: {jwtt: keep}", "unknown shape 'jwtt' (did you mean 'jwt'?)"),
        ("preview_bytes: 5000", "expected at most 2000, got the number 5000"),
    ],
)
def test_what_cannot_be_meant_is_told_with_its_line(entry: str, message: str) -> None:
    told = problem_in(entry)
    assert told.startswith("policy.yaml:2: redaction.")
    assert message in told


def test_entries_that_do_nothing_are_warned_of() -> None:
    policy = parse_policy(
        """
redaction:
  preview_bytes: 100
  secret_names: [kundennummer]
  shapes: {secret_name: keep}
  arguments:
    - {path: a.b, action: hash}
    - {path: A.b, action: mask, tools: [get]}
    - {path: c, class: sensitive}
  patterns:
    - {id: x, pattern: 'x+', class: sensitive}
""",
        "policy.yaml",
    )
    told = {text_of(place): message for place, message in redaction_warnings(policy.document.redaction)}
    assert list(told) == [
        "redaction.arguments[1]",
        "redaction.arguments[2]",
        "redaction.patterns[0]",
        "redaction.secret_names",
    ]
    assert "redaction.arguments[0] names the same place" in told["redaction.arguments[1]"]
    idle = parse_policy("redaction: {arguments: [{path: a}]}", "p").document.redaction
    assert [message for _, message in redaction_warnings(idle)] == [
        "does nothing while preview_bytes is 0: no argument is written at all"
    ]
