"""The preview: small, redacted before it is cut, and cheap however large the arguments are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatetrail.call import CUT_MARK, Call, Ids, json_bytes
from gatetrail.events.model import SENSITIVE_KEYS
from gatetrail.policy.load import parse_policy
from gatetrail.redaction import Redaction, Redactor
from tests.redaction.secrets import Planted, any_secret
from tests.redaction.stage import KEY

pytestmark = pytest.mark.requirement("F3")


def redactor_of(redaction: str) -> Redactor:
    policy = parse_policy(f"redaction: {redaction}", "policy.yaml")
    return Redaction(KEY, SENSITIVE_KEYS, policy.document.redaction).current


def preview_of(arguments: Mapping[str, Any], redaction: str = "{preview_bytes: 1000}", tool: str = "get") -> str:
    call = Call("finance", tool, Ids("a" * 32), arguments=arguments)
    return redactor_of(redaction).preview(call) or ""


def shown(arguments: Mapping[str, Any], redaction: str = "{preview_bytes: 1000}", tool: str = "get") -> Any:
    return orjson.loads(preview_of(arguments, redaction, tool))


def test_there_is_none_unless_the_policy_says_so() -> None:
    assert redactor_of("{}").preview(Call("s", "t", Ids("a" * 32), arguments={"a": 1})) is None


def test_harmless_arguments_are_shown_as_they_are() -> None:
    arguments = {"customer": "ann", "n": 3, "x": 1.5, "ok": True, "none": None, "list": [1, {"deep": ["ü", "\n"]}]}
    assert shown(arguments) == arguments


any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=60),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=12), inner, max_size=5),
    max_leaves=30,
)


@given(st.dictionaries(st.text(max_size=12), any_json, max_size=6), st.integers(8, 300), st.booleans())
def test_it_is_never_longer_than_allowed_and_says_when_it_is_cut(
    arguments: dict[str, Any], max_bytes: int, hashed: bool
) -> None:
    sensitive = "hash" if hashed else "keep"
    preview = preview_of(arguments, f"{{preview_bytes: {max_bytes}, classes: {{sensitive: {sensitive}}}}}")
    assert json_bytes(preview) <= max_bytes
    if preview and not preview.endswith(CUT_MARK):
        assert set(orjson.loads(preview)) == {key.encode("utf-8", "replace").decode() for key in arguments}


@given(any_secret, st.integers(16, 260), st.text("xy ", max_size=280))
def test_a_cut_shows_no_part_of_a_secret(planted: Planted, max_bytes: int, before: str) -> None:
    preview = preview_of({"note": f"{before} {planted.text}"}, f"{{preview_bytes: {max_bytes}}}")
    told = preview.replace("\\n", "\n")
    assert not any(planted.secret[at : at + 6] in told for at in range(len(planted.secret) - 5))


def test_the_first_rule_that_fits_a_place_decides_for_all_that_is_below() -> None:
    redaction = """{preview_bytes: 1000, arguments: [
        {path: customer.name, class: sensitive, action: hash},
        {path: "customer.*", action: drop},
        {path: "items[1]", action: mask},
        {path: "items[*].card", action: keep},
        {path: "**.token", action: keep, tools: [get]},
    ]}"""
    card = {"card": "4111 1111 1111 1111", "token": {"password": "open"}}
    arguments = {"customer": {"name": "ann", "iban": "DE02"}, "items": [card, card, 7], "n": 1}
    told = shown(arguments, redaction)
    assert told["customer"] == {"name": told["customer"]["name"]}
    assert told["customer"]["name"].startswith("hmac:")
    assert told["items"] == [card, "[redacted]", 7]
    assert shown({"token": "open"}, redaction, tool="set") == {"token": "[redacted:secret_name]"}


def test_a_number_has_the_hash_of_its_text() -> None:
    redaction = "{preview_bytes: 1000, arguments: [{path: a, action: hash}, {path: b, action: hash}]}"
    told = shown({"a": 42, "b": "42"}, redaction)
    assert told["a"] == told["b"]
    assert told["a"].startswith("hmac:")


def test_sensitive_values_are_treated_by_their_class_and_their_names_stay() -> None:
    redaction = "{preview_bytes: 1000, classes: {sensitive: mask}, arguments: [{path: n, class: public}]}"
    assert shown({"a": "x", "b": [1, True], "n": 5, "none": None}, redaction) == {
        "a": "[redacted]",
        "b": ["[redacted]", "[redacted]"],
        "n": 5,
        "none": None,
    }


class Counting(Mapping[str, Any]):
    """Endless for all that anybody sees of it."""

    def __init__(self) -> None:
        self.asked = 0

    def __getitem__(self, key: str) -> Any:
        self.asked += 1
        return [[] for _ in range(100)]

    def __iter__(self) -> Iterator[str]:
        return (f"key-{number}" for number in range(10**9))

    def __len__(self) -> int:
        return 10**9


@pytest.mark.parametrize("action", ["keep", "drop"])
def test_large_arguments_cost_no_more_than_what_is_shown_of_them(action: str) -> None:
    arguments = Counting()
    preview = preview_of(arguments, f"{{preview_bytes: 200, arguments: [{{path: '*', action: {action}}}]}}")
    assert preview.endswith(CUT_MARK)
    assert arguments.asked <= 202


def test_what_json_does_not_know_is_told_by_its_type() -> None:
    loop: dict[str, Any] = {}
    loop["loop"] = loop
    assert shown({"o": object(), "b": b"secret", "i": 1 << 70}) == {"o": "<object>", "b": "<bytes>", "i": "<int>"}
    assert CUT_MARK in preview_of(loop)
    assert preview_of({"loop": loop}, "{preview_bytes: 100, arguments: [{path: loop, action: hash}]}")
