"""Who sees what, and what is left of those who may not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gatetrail.clock import IdMaker
from gatetrail.formats.choice import Format
from gatetrail.identity.bearer import mint
from gatetrail.identity.tiers import Tier
from gatetrail.redaction.marks import Marks
from tests.samples import completed, decided, make_stamp
from tests.service.api.conftest import KEY, POLICY, Service, serving_api

pytestmark = [pytest.mark.anyio, pytest.mark.postgres]

STAMP = make_stamp()
ROUTES = ("/v1/events", "/v1/events/stream", "/v1/executions", "/v1/stats", "/v1/policy", "/v1/sinks")
DECISION = "/v1/decisions/0199f2c4-8a51-7d3e-9b6f-2c1d0e4a5b6c"


@pytest.fixture(scope="module", autouse=True)
async def recorded(service: Service) -> None:
    for user_id in ("ann", "bob", None, "ann"):
        decision = decided(STAMP, user_id=user_id)
        await service.record([decision, completed(STAMP, decision), decided(STAMP, denied=True, user_id=user_id)])


@pytest.mark.parametrize("path", [*ROUTES, DECISION])
async def test_nobody_is_asked_for_a_token_and_recorded(service: Service, path: str) -> None:
    before = await service.head_seq()
    answer = await service.get(path, {})
    assert (answer.status_code, answer.json()["code"]) == (401, "token_missing")
    metadata = str(answer.url.copy_with(path="/.well-known/oauth-protected-resource", query=None))
    assert answer.headers["www-authenticate"] == f'Bearer realm="gatetrail", resource_metadata="{metadata}"'
    assert answer.headers["content-type"] == "application/problem+json"
    (refusal,) = await service.refusals(before)
    assert (refusal.reason_code, refusal.endpoint, refusal.user_id) == ("token_missing", path, None)
    assert refusal.auth_method == "none"


@pytest.mark.parametrize("path", [*ROUTES, DECISION])
async def test_a_token_that_proves_nothing_is_refused_and_recorded(service: Service, path: str) -> None:
    before = await service.head_seq()
    identity, clock = service.gate.policy.document.identity, service.gate.clock
    forged = mint(identity, b"x" * 32, clock, IdMaker(clock), user="ann", tier=Tier.ADMIN)
    answer = await service.get(path, {"Authorization": f"Bearer {forged}"})
    assert (answer.status_code, answer.json()["code"]) == (401, "signature_invalid")
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    (refusal,) = await service.refusals(before)
    assert (refusal.reason_code, refusal.endpoint) == ("signature_invalid", path)
    assert forged not in answer.text


@pytest.mark.parametrize("path", [path for path in ROUTES if not path.endswith("stream")])
async def test_no_cache_keeps_what_somebody_may_see(service: Service, path: str) -> None:
    for headers in (service.as_auditor(), service.as_user("bob"), dict[str, str]()):
        assert (await service.get(path, headers)).headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/v1/policy", "/v1/sinks"])
async def test_what_needs_all_is_for_auditors_and_admins(service: Service, path: str) -> None:
    before = await service.head_seq()
    answer = await service.get(path, service.as_user("bob"))
    assert (answer.status_code, answer.json()["code"]) == (403, "role_missing")
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]
    (refusal,) = await service.refusals(before)
    assert (refusal.reason_code, refusal.user_id, refusal.claimed_user_id) == ("role_missing", "bob", None)
    assert (refusal.endpoint, refusal.auth_method) == (path, "bearer")
    for headers in (service.as_auditor(), service.as_user("root", Tier.ADMIN)):
        assert (await service.get(path, headers)).status_code == 200


@pytest.mark.parametrize("path", ["/v1/events", "/v1/events/stream", "/v1/executions"])
async def test_others_events_are_refused_by_name(service: Service, path: str) -> None:
    before = await service.head_seq()
    answer = await service.get(path, service.as_user("bob"), user="ann")
    assert (answer.status_code, answer.json()["code"]) == (403, "role_missing")
    (refusal,) = await service.refusals(before)
    assert (refusal.reason_code, refusal.user_id) == ("role_missing", "bob")


@pytest.mark.requirement("E4")
async def test_everybody_else_sees_their_own_and_nothing_else(service: Service) -> None:
    async def users(headers: dict[str, str], **words: Any) -> set[str | None]:
        events = (await service.get("/v1/events", headers, limit=1000, **words)).json()["events"]
        executions = (await service.get("/v1/executions", headers, limit=1000, **words)).json()["executions"]
        of_calls = {event.get("user_id") for event in events if event["event_name"] == "tool_call.decided"}
        assert of_calls == {execution["user_id"] for execution in executions}
        return {event.get("user_id") for event in events}

    assert await users(service.as_user("ann")) == {"ann"}
    assert await users(service.as_user("ann"), user="ann") == {"ann"}
    assert await users(service.as_user("eve")) <= {"eve"}
    assert await users(service.as_auditor()) >= {"ann", "bob", None}
    assert await users(service.as_user("root", Tier.ADMIN)) >= {"ann", "bob", None}
    assert await users(service.as_auditor(), user="bob") == {"bob"}


async def test_a_session_that_was_opened_with_less_is_no_admins(service: Service) -> None:
    session: dict[str, Any] = {"session_id": "opened-low"}
    assert (await service.get("/v1/policy", service.as_user("kim", **session))).status_code == 403
    assert (await service.get("/v1/policy", service.as_user("kim", Tier.ADMIN, **session))).status_code == 403
    assert (await service.get("/v1/policy", service.as_user("kim", Tier.ADMIN))).status_code == 200
    before = await service.head_seq()
    stolen = await service.get("/v1/events", service.as_user("lea", Tier.ADMIN, **session))
    assert (stolen.status_code, stolen.json()["code"]) == (401, "session_of_another_user")
    assert [refusal.reason_code for refusal in await service.refusals(before)] == ["session_of_another_user"]


async def test_probes_and_scanners_are_turned_away_as_problems(service: Service) -> None:
    before = await service.head_seq()
    for path, headers, status in (
        ("/v1/.env", service.as_auditor(), 404),
        ("/v1/events", {**service.as_auditor(), "User-Agent": "sqlmap/1.7"}, 403),
    ):
        answer = await service.get(path, headers)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert [event.event_name for event in await service.events(before)] == ["scanner.detected"] * 2


HASHING = POLICY + "redaction: {classes: {sensitive: hash}}\n"


@pytest.mark.requirement("D8")
async def test_hashed_ids_are_found_by_those_who_know_them(dsn: str, tmp_path: Path) -> None:
    marks = Marks(KEY.encode())
    hashed = {name: marks.hashed(name) for name in ("ann", "bob", "s-1")}
    async with serving_api(dsn, tmp_path, HASHING) as service:
        await service.record(
            [
                decided(STAMP, user_id="ann", session_id="s-1"),  # from before the policy hashed
                decided(STAMP, user_id=hashed["ann"], session_id=hashed["s-1"]),
                decided(STAMP, user_id=hashed["bob"], session_id="s-2"),
            ]
        )

        async def users(headers: dict[str, str], **words: str) -> list[str]:
            answer = await service.get("/v1/events", headers, event="tool_call.*", **words)
            assert answer.status_code == 200
            return [event["user_id"] for event in answer.json()["events"]]

        both = ["ann", hashed["ann"]]
        assert await users(service.as_auditor(), user="ann") == both
        assert await users(service.as_auditor(), user=hashed["ann"]) == [hashed["ann"]]
        assert await users(service.as_auditor(), session="s-1") == both
        assert await users(service.as_user("ann")) == both
        assert await users(service.as_user("ann"), user="ann") == both
        assert await users(service.as_user("bob")) == [hashed["bob"]]
        assert await users(service.as_user(hashed["bob"])) == [], "whoever is called like a mark is somebody else"
        before = await service.head_seq()
        assert (await service.get("/v1/sinks", service.as_user("bob"))).status_code == 403
        (refusal,) = await service.refusals(before)
        assert refusal.user_id == hashed["bob"]


@pytest.mark.parametrize("start", ["Ж" * 100, '"' * 80], ids=["letters", "quotes"])
async def test_who_is_called_nearly_like_somebody_else_sees_nothing_of_theirs(service: Service, start: str) -> None:
    """An id has no room in the record when it takes more than 128 bytes in JSON."""
    redactor = service.gate.adapter.redactor
    written = {user: redactor.texts({"user_id": user})["user_id"] for user in (f"{start}-one", f"{start}-two")}
    await service.record([decided(STAMP, user_id=written[f"{start}-one"])])
    for user in written:
        events = (await service.get("/v1/events", service.as_user(user), event="tool_call.*")).json()["events"]
        assert [event["user_id"] for event in events] == [written[user]][: user.endswith("one")]


async def test_whoever_is_called_like_a_mark_sees_nothing_of_whom_it_stands_for(service: Service) -> None:
    mark = Marks(KEY.encode()).hashed("dan")
    decision = decided(STAMP, user_id=mark)
    await service.record([decision])
    headers = service.as_user(mark)
    assert (await service.get("/v1/events", headers)).json()["events"] == []
    assert (await service.get("/v1/executions", headers)).json()["executions"] == []
    assert (await service.get("/v1/stats", headers)).json()["totals"]["allow"] == 0
    assert (await service.get(f"/v1/decisions/{decision.execution_id}", headers)).status_code == 404


@pytest.mark.requirement("C2")
async def test_what_was_hidden_from_a_caller_is_hidden_in_the_record_too(service: Service) -> None:
    before = await service.head_seq()
    hidden = decided(STAMP, denied=True, user_id="hal", tool_name="pay")
    passed = decided(STAMP, user_id="hal")
    await service.record([hidden, passed])
    mine, all_of_it = service.as_user("hal"), service.as_auditor()

    async def decisions(headers: dict[str, str]) -> list[str]:
        listed = (await service.get("/v1/executions", headers, after=before)).json()["executions"]
        events = (await service.get("/v1/events", headers, after=before)).json()["events"]
        ids = [execution["execution_id"] for execution in listed]
        assert ids == [event["execution_id"] for event in events if "execution_id" in event]
        return ids

    assert hidden.gate == "scope"
    assert await decisions(all_of_it) == [hidden.execution_id, passed.execution_id]
    assert await decisions(mine) == [passed.execution_id]
    assert (await service.get(f"/v1/decisions/{hidden.execution_id}", mine)).status_code == 404
    assert (await service.get(f"/v1/decisions/{hidden.execution_id}", all_of_it)).status_code == 200
    figures = (await service.get("/v1/stats", mine, since="1h")).json()
    assert (figures["totals"]["allow"], figures["totals"]["deny"], figures["denials_by_gate"]) == (1, 0, {})


SHADOW: dict[str, Any] = {
    "shadow_gate": "scope",
    "shadow_reason_code": "tier_too_low",
    "shadow_reason": "requires tier admin, caller has user",
    "shadow_rule_id": "books",
    "shadow_policy_version": "9d07b21c44ef0a13",
}


@pytest.mark.requirement("C2", "D7")
async def test_what_is_only_tried_is_no_business_of_who_it_would_meet(service: Service) -> None:
    """Somebody locked out learns nothing of a tool's existence; the verdict of another policy would tell."""
    before = await service.head_seq()
    turned_away = {"gate": "scanner", "reason_code": "locked_out", "gate_scope": "skipped"}
    tried = decided(STAMP, denied=True, user_id="kim", **turned_away, **SHADOW)
    await service.record([tried, decided(STAMP, user_id="kim")])
    mine, all_of_it = service.as_user("kim"), service.as_auditor()

    for chosen in Format:
        asked = {"after": before, "format": chosen.value}
        assert "9d07b21c44ef0a13" not in (await service.get("/v1/events", mine, **asked)).text, chosen
        assert "9d07b21c44ef0a13" in (await service.get("/v1/events", all_of_it, **asked)).text, chosen
    # One could try which verdict it is that a hash is of.
    seen = (await service.get("/v1/events", mine, after=before)).text
    assert not [word for word in ("shadow_", "event_hash", "prev_hash") if word in seen]

    path = f"/v1/decisions/{tried.execution_id}"
    explained = await service.get(path, mine)
    assert (explained.status_code, explained.json()["shadow"]) == (200, None)
    assert not [word for word in ("shadow_", "event_hash", "prev_hash") if word in explained.text]
    assert (await service.get(path, all_of_it)).json()["shadow"]["rule_id"] == "books"
