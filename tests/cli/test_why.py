"""One command explains a decision completely from its id."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gatetrail.events.model import ToolCallDecided
from gatetrail.events.remedies import REMEDIES, what_would_have_passed
from gatetrail.words import GateName, ReasonCode
from tests.cli.conftest import Gatetrail, Ran
from tests.cli.recorded import allowed, denied, limited, record

pytestmark = [pytest.mark.postgres, pytest.mark.requirement("D8")]

UNKNOWN_ID = "01999999-9999-7999-8999-999999999999"


def test_an_allowed_call_is_explained_with_its_outcome(gatetrail: Gatetrail, dsn: str) -> None:
    events = allowed()
    record(dsn, events)
    assert isinstance(events[0], ToolCallDecided)
    shown = gatetrail("why", events[0].execution_id)
    assert shown.code == 0
    assert "allowed: all four gates passed" in shown.out
    assert "success after 1.5 ms" in shown.out
    assert "tool_call.decided as seq 1, tool_call.completed as seq 2" in shown.out


def test_a_denial_says_what_would_have_passed(gatetrail: Gatetrail, dsn: str) -> None:
    denial = limited(user_id="eve")
    record(dsn, [denial])
    lines = [line.split(maxsplit=1) for line in gatetrail("why", denial.execution_id).out.splitlines()]
    assert ["would", "pass    the same call after 1200 ms"] in lines
    assert ["outcome", "the handler did not run"] in lines
    assert ["policy", denial.policy_version] in lines


def test_json_holds_every_gate_and_the_events_themselves(gatetrail: Gatetrail, dsn: str) -> None:
    denial = denied(rule_id="rule-7")
    record(dsn, [denial])
    (found,) = gatetrail("why", denial.execution_id, "--json").objects
    assert found["gates"] == {"scope": "deny", "scanner": "skipped", "blocklist": "skipped", "rate_limit": "skipped"}
    assert (found["required_tier"], found["actual_tier"], found["rule_id"]) == ("admin", "user", "rule-7")
    assert found["would_have_passed"].startswith("a caller with tier admin or higher")
    assert [event["event_id"] for event in found["events"]] == [denial.event_id]


def test_the_arguments_are_shown_as_far_as_the_record_has_them(gatetrail: Gatetrail, dsn: str) -> None:
    preview = '{"number":"2026-0118","password":"[redacted:secret_name]"}'
    shown, hidden = denied(arguments_preview=preview), denied()
    record(dsn, [shown, hidden])
    lines = [line.split(maxsplit=1) for line in gatetrail("why", shown.execution_id).out.splitlines()]
    assert ["arguments", preview] in lines
    assert "arguments " not in gatetrail("why", hidden.execution_id).out
    assert gatetrail("why", shown.execution_id, "--json").objects[0]["arguments_preview"] == preview


@pytest.mark.parametrize("form", ["{}", " {} ", "upper", "bare"])
def test_the_id_may_come_in_any_form_and_be_that_of_an_event(inside: Callable[..., Ran], dsn: str, form: str) -> None:
    denial = denied()
    record(dsn, [denial])
    for identifier in (denial.execution_id, denial.event_id):
        typed = {"upper": identifier.upper(), "bare": identifier.replace("-", "")}.get(form, form.format(identifier))
        assert denial.execution_id in inside("why", typed).out


def test_an_id_that_nothing_has_is_answered_with_no(gatetrail: Gatetrail) -> None:
    ran = gatetrail("why", UNKNOWN_ID)
    assert (ran.code, ran.out, ran.errors) == (1, "", [f"the record has no decision {UNKNOWN_ID}"])


@pytest.mark.parametrize(
    "text",
    ["", "1", "x" * 36, "9b2b1c1e-0f7e-4d5a-8b56-0a6f3c2d1e00", "ffffffff-ffff-7fff-bfff-ffffffffffff", "a\x1bb"],
)
def test_what_is_no_id_is_wrong_use(inside: Callable[..., Ran], text: str) -> None:
    ran = inside("why", text)
    assert (ran.code, ran.out) == (2, "")
    assert "is no decision id; expected 36 characters" in ran.errors[0]


@pytest.mark.parametrize("reason_code", list(ReasonCode))
def test_every_reason_has_words_for_what_would_pass(reason_code: ReasonCode) -> None:
    denial = denied(reason_code=reason_code, gate=GateName.HOOK, method="acme/x", rule_id="rule-7", retry_after_ms=5)
    phrase = what_would_have_passed(denial)
    assert phrase == REMEDIES[reason_code].format_map(denial.__dict__)
    assert not set("{}") & set(phrase)
