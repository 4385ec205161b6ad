"""Every kind of event in the Common Information Model, by our own reading of Splunk's expressions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache

import pytest

from siem.places import CORPUS, EVERY_KIND
from tests.siem.splunk.addon import aliases, calculated, extracted, fields_of, tags_of
from tests.siem.splunk.cim import CONDITIONAL, MODELS, NEVER
from tests.siem.splunk.expressions import Fields

pytestmark = pytest.mark.requirement("E7")

MAX_LINE_BYTES = 4500
"""Splunk extracts from the first 5,000 characters (limits.conf, [spath] extraction_cutoff)."""

MEANT: Mapping[str, frozenset[str]] = {
    "tool_call.decided": frozenset({"Data Access"}),
    "scanner.detected": frozenset({"Alerts", "Intrusion Detection"}),
    "policy.changed": frozenset({"Change"}),
    "policy.rejected": frozenset({"Change"}),
    "identity.restricted": frozenset({"Change"}),
    "identity.restored": frozenset({"Change"}),
    "identity.refused": frozenset({"Authentication"}),
    "session.started": frozenset({"Authentication"}),
    "session.resumed": frozenset({"Authentication"}),
}
"""All others are in no model."""


@cache
def lines() -> Sequence[bytes]:
    """All events that are shipped."""
    return [line for path in (EVERY_KIND, CORPUS) for line in path.read_bytes().splitlines()]


def models_of(fields: Fields) -> frozenset[str]:
    tags = tags_of(fields)
    return frozenset(name for name, model in MODELS.items() if model.tags <= tags)


def of_kind(event_name: str) -> Iterator[Fields]:
    for line in lines():
        fields = fields_of(line)
        if fields["event_name"] == event_name:
            yield fields


def test_each_event_is_in_the_models_that_are_meant() -> None:
    for line in lines():
        fields = fields_of(line)
        meant = MEANT.get(str(fields["event_name"]), frozenset())
        if fields["event_name"] == "tool_call.decided" and fields["gate"] == "scanner":
            meant |= MEANT["scanner.detected"]
        assert models_of(fields) == meant, line


def test_each_event_has_what_its_models_require() -> None:
    for line in lines():
        fields = fields_of(line)
        for name in models_of(fields):
            assert MODELS[name].required - {*fields} == frozenset(), (name, line)
            for field, value, also in CONDITIONAL.get(name, ()):
                assert fields[field] != value or also in fields, (name, also, line)


def test_words_of_closed_lists_are_of_the_list() -> None:
    for line in lines():
        fields = fields_of(line)
        for name in models_of(fields):
            for field, words in MODELS[name].values.items():
                assert fields[field] in words, (name, field, line)


def test_no_native_key_is_changed_or_lost() -> None:
    for line in lines():
        fields = fields_of(line)
        raw = extracted(line)
        assert {name: fields.get(name) for name in raw} == raw


def test_a_list_is_found_by_its_native_name() -> None:
    found: set[str] = set()
    for line in lines():
        fields = fields_of(line)
        lists = {name.removesuffix("{}"): value for name, value in fields.items() if name.endswith("{}")}
        assert {name: fields[name] for name in lists} == lists
        found |= {*lists}
    assert found == {"audiences", "changes", "data_domains", "roles", "scopes"}


def test_a_calculated_field_reads_no_other() -> None:
    """Splunk evaluates all of them at the same time."""
    results = {*calculated(), *aliases()}
    for name, one in calculated().items():
        assert one.fields & results <= {name}, name


def test_fields_of_the_sites_own_lists_are_left_alone() -> None:
    names = {*calculated(), *aliases()}
    assert [name for name in names for end in NEVER if name in {f"src{end}", f"dest{end}", f"user{end}"}] == []


def test_no_line_is_too_long_for_automatic_extraction() -> None:
    assert max(len(line) for line in lines()) < MAX_LINE_BYTES


def test_restricting_a_user_is_a_change_of_an_account_and_of_a_token_is_none() -> None:
    for fields in of_kind("identity.restricted"):
        is_token = fields["restriction"] == "token_revoked"
        assert ("account" in tags_of(fields)) is not is_token
        assert fields["object_category"] == ("token" if is_token else "user")


def test_a_denied_call_is_blocked_and_an_allowed_one_allowed() -> None:
    found = {(fields["decision"], fields["action"]) for fields in of_kind("tool_call.decided")}
    assert found == {("allow", "allowed"), ("deny", "blocked")}


@pytest.mark.parametrize(
    ("native", "alias"),
    [("http_user_agent", "user_agent"), ("auth_method", "authentication_method"), ("caller_type", "user_type")],
)
def test_an_alias_stands_beside_its_native_key(native: str, alias: str) -> None:
    found = [(fields.get(native), fields.get(alias)) for fields in map(fields_of, lines())]
    assert any(value for value, _ in found)
    assert all(value == other for value, other in found)
