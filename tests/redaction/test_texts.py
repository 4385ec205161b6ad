"""Texts in events: classes, ids that stay different, sentences that do not repeat what is hidden."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatetrail.call import Call, Ids, arguments_digest
from gatetrail.errors import SettingsInvalid
from gatetrail.events.model import SENSITIVE_KEYS
from gatetrail.identity.caller import Authenticated, AuthMethod, Refused
from gatetrail.identity.tiers import CallerType, Tier
from gatetrail.redaction import Redaction
from gatetrail.runtime.folder import REDACTION_KEY_FILE, redaction_key
from gatetrail.sessions import Session, Sessions
from gatetrail.settings import load_settings
from tests.redaction.secrets import Planted, any_secret
from tests.redaction.stage import KEY, Stage
from tests.redaction.test_preview import redactor_of

pytestmark = pytest.mark.requirement("F3")

FACTS = {
    "user_id": "ann@example.com",
    "session_id": "s-1",
    "department": "finance",
    "src_ip": "203.0.113.77",
    "http_user_agent": "agent/1",
    "tool_name": "get_invoice",
    "reason": "requires department audit, caller has finance",
}


def hashed(text: str) -> str:
    return "hmac:" + hmac.new(KEY, text.encode(), hashlib.sha256).hexdigest()[:32]


def test_by_default_facts_stay_as_they_are() -> None:
    assert redactor_of("{}").texts(FACTS) == FACTS


def test_masked_facts_are_gone_ids_stay_different_and_the_reason_repeats_nothing() -> None:
    assert redactor_of("{classes: {sensitive: mask}}").texts(FACTS) == {
        "user_id": hashed("ann@example.com"),
        "session_id": hashed("s-1"),
        "department": "[redacted]",
        "src_ip": "203.0.113.0",
        "http_user_agent": "[redacted]",
        "tool_name": "get_invoice",
        "reason": "requires department audit, caller has [redacted]",
    }


def test_dropped_facts_are_absent() -> None:
    told = redactor_of("{classes: {sensitive: drop}}").texts(FACTS)
    assert told["department"] is told["src_ip"] is told["http_user_agent"] is None
    assert told["user_id"] == hashed("ann@example.com")
    assert told["reason"] == "requires department audit, caller has [redacted]"


def test_hashed_facts_can_be_searched_for() -> None:
    told = redactor_of("{classes: {sensitive: hash}}").texts(FACTS)
    assert told["department"] == hashed("finance")
    assert redactor_of("{classes: {sensitive: hash}}").roles(("auditor",)) == (hashed("auditor"),)


@pytest.mark.parametrize(
    ("address", "masked"),
    [("2001:db8:1:2::3%eth0", "2001:db8:1::"), ("no address", "[redacted]"), ("10.1.2.3", "10.1.2.0")],
)
def test_a_masked_address_stays_an_address(address: str, masked: str) -> None:
    assert redactor_of("{classes: {sensitive: mask}}").texts({"src_ip": address})["src_ip"] == masked


@given(any_secret, st.sampled_from(["mask", "hash"]), st.text(max_size=20))
def test_what_is_redacted_is_not_redacted_once_more(planted: Planted, action: str, around: str) -> None:
    redactor = redactor_of(f"{{classes: {{secret: {action}}}}}")
    once = redactor.texts({"tool_name": f"{around} {planted.text} {around}", "user_id": f"{planted.text} "})
    assert redactor.texts(once) == once


@pytest.mark.anyio
async def test_a_session_with_a_secret_in_its_ids_is_stored_without_it_and_stays_its_owners(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    key = "AKIAIOSFODNN7EXAMPLE"
    ann = Authenticated(f"ann {key}", Tier.USER, Tier.USER, CallerType.USER, AuthMethod.EMBEDDED)
    eve = Authenticated("eve", Tier.ADMIN, Tier.ADMIN, CallerType.USER, AuthMethod.EMBEDDED)
    assert await stage.dispatcher.sessions.bind(ann, f"s-{key}") is ann
    restarted = Sessions(stage.store, stage.stamp, stage.ledger.commit_or_spool, stage.redaction)
    stored, created = await stage.store.open(Session(f"s-{hashed(key)}", "nobody", Tier.ADMIN))
    assert not created
    assert stored.user_id == f"ann {hashed(key)}"
    assert await restarted.bind(ann, f"s-{key}") is ann
    assert isinstance(await restarted.bind(eve, f"s-{key}"), Refused)
    assert key.encode() not in await stage.lines()


def test_the_digest_is_keyed_only_when_the_policy_says_so() -> None:
    call = Call("s", "t", Ids("a" * 32), arguments={"pin": "1234"})
    assert redactor_of("{}").digest(call.arguments) == arguments_digest(call.arguments)
    keyed = redactor_of("{keyed_digest: true}").digest(call.arguments)
    assert keyed == "hmac-sha256:" + hmac.new(KEY, b'{"pin":"1234"}', hashlib.sha256).hexdigest()


def test_a_key_that_can_be_guessed_is_refused() -> None:
    with pytest.raises(SettingsInvalid, match=r"GATETRAIL_REDACTION_KEY.*has 3 bytes; expected at least 32"):
        Redaction(b"key", SENSITIVE_KEYS)


def test_the_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    settings = load_settings(None, data_dir=tmp_path)
    assert redaction_key(settings) == redaction_key(settings)
    assert (tmp_path / REDACTION_KEY_FILE).stat().st_mode & 0o777 == 0o600
