"""Every way in that a proxy's word must not open: refused with the reason in the record, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from gatetrail.events.model import IdentityRefused, ToolCallDecided
from gatetrail.identity.signing import IDENTITY_HEADERS, REQUIRED_HEADERS
from tests.proxies.stand import KEYS, TARGET, Stand, headers_of

pytestmark = [pytest.mark.anyio, pytest.mark.postgres, pytest.mark.requirement("C4")]

Headers = list[tuple[str, str]]
OTHER_TARGET = f"{TARGET}?tool=other"


@dataclass(frozen=True)
class Attack:
    """Headers that are sent from the proxies' own network, and why they are refused."""

    name: str
    reason_code: str
    headers: Callable[[], Headers]
    target: str = TARGET


def _changed(**over: str) -> Callable[[], Headers]:
    """Rightly signed, then changed; an empty value takes the header away."""

    def made() -> Headers:
        names = {name.replace("_", "-"): value for name, value in over.items()}
        return [(name, value) for name, value in {**headers_of(tier="service"), **names}.items() if value]

    return made


def _signed(**said: Any) -> Callable[[], Headers]:
    return lambda: [*headers_of(**said).items()]


def _and(name: str, value: str) -> Callable[[], Headers]:
    return lambda: [*headers_of().items(), (name, value)]


def _respelt(name: str, other: str) -> Callable[[], Headers]:
    return lambda: [(other if found == name else found, value) for found, value in headers_of().items()]


def _later() -> Headers:
    made = headers_of(late_s=20)
    return [*{**made, "x-proxy-timestamp": str(int(made["x-proxy-timestamp"]) + 15)}.items()]


def _twice(name: str) -> Headers:
    made = headers_of()
    return [*made.items(), (name, made[name])]


def _capitals() -> Headers:
    made = headers_of()
    return [*{**made, "x-proxy-signature": made["x-proxy-signature"].upper()}.items()]


INVALID, UNFIT = "proxy_headers_invalid", "proxy_signature_invalid"
ATTACKS = [
    Attack("no signature from the trusted network", INVALID, lambda: [("x-user-id", "root")]),
    Attack(
        "the headers of old alone",
        INVALID,
        lambda: [("x-proxy-verified", "true"), ("x-user-id", "root"), ("x-user-permissions", "admin")],
    ),
    Attack("another user", UNFIT, _changed(x_user_id="root")),
    Attack("another tier", UNFIT, _changed(x_user_tier="admin")),
    Attack("a tier taken away", UNFIT, _changed(x_user_tier="")),
    Attack("a permission added", UNFIT, _changed(x_user_permissions="admin")),
    Attack("a role added", UNFIT, _and("x-user-roles", "auditor")),
    Attack("a department added", UNFIT, _and("x-user-department", "audit")),
    Attack("a session added", UNFIT, _and("x-user-session", "s-1")),
    Attack("another nonce", UNFIT, _changed(x_proxy_nonce="another-nonce-than-was-signed")),
    Attack("a later timestamp", UNFIT, _later),
    Attack("another method", UNFIT, _signed(method="GET")),
    Attack("another path", UNFIT, _signed(target="/mcp/other")),
    Attack("another query", UNFIT, _signed(), OTHER_TARGET),
    Attack("a query taken away", UNFIT, _signed(target=OTHER_TARGET)),
    Attack("another encoding of the path", UNFIT, _signed(target=TARGET), "/mcp/fi%6eance"),
    Attack("no true signature", UNFIT, _changed(x_proxy_signature="0" * 64)),
    Attack("a key that was given up", UNFIT, _signed(key="edge at first")),
    Attack("the key of another proxy", UNFIT, _signed(key="office")),
    Attack("the name of another proxy", UNFIT, _changed(x_proxy_verified="office")),
    Attack("a proxy that nobody knows", "proxy_unknown", _signed(proxy="nobody", key="edge")),
    Attack("a proxy without a key", "proxy_unknown", _signed(proxy="keyless", key="edge")),
    Attack("a proxy of another network", "proxy_unknown", _signed(proxy="far")),
    Attack("signed too long ago", "proxy_timestamp_outside", _signed(late_s=33)),
    Attack("signed too far ahead", "proxy_timestamp_outside", _signed(late_s=-33)),
    Attack("signed for another service", "audience_wrong", _signed(audience="elsewhere")),
    Attack("a tier that the proxy may not name", "claim_invalid", _signed(tier="user")),
    Attack("a tier that there is not", "claim_invalid", _signed(tier="Admin")),
    Attack("a user whose name is too long", "claim_invalid", _signed(user="u" * 600)),
    Attack("the user twice", INVALID, _and("x-user-id", "root")),
    Attack("the same user twice", INVALID, _and("x-user-id", "ann")),
    Attack("the signature twice", INVALID, lambda: _twice("x-proxy-signature")),
    Attack("another spelling besides", INVALID, _and("x_user_id", "root")),
    Attack("a spelling half with dashes", INVALID, _and("x-user_id", "root")),
    Attack("another spelling in its place", INVALID, _respelt("x-user-id", "X_USER_ID")),
    Attack("capitals twice", INVALID, _and("X-USER-ID", "root")),
    Attack("a signature in capitals", INVALID, _capitals),
    Attack("a timestamp with a sign", INVALID, _changed(x_proxy_timestamp="+1800000000")),
    Attack("a timestamp of other digits", INVALID, _changed(x_proxy_timestamp="1800000000.5")),
    Attack("a nonce that is short", INVALID, _changed(x_proxy_nonce="1")),
    Attack("a nonce that is a list", INVALID, _changed(x_proxy_nonce="nonce-of-a-test-1, nonce-of-a-test-2")),
    Attack("a very long value", INVALID, _changed(x_user_permissions="a " * 3_000 + "a")),
    *(Attack(f"without {name}", INVALID, _changed(**{name: ""})) for name in REQUIRED_HEADERS),
]


@pytest.mark.parametrize("attack", ATTACKS, ids=[attack.name.replace(" ", "_") for attack in ATTACKS])
async def test_who_is_in_the_trusted_network_is_refused(stand: Stand, attack: Attack) -> None:
    answer = await stand.call(attack.headers(), target=attack.target)
    assert answer.status_code == 401
    assert answer.json()["error"]["message"] == "the identity that the proxy vouches for was not accepted"
    assert "www-authenticate" not in answer.headers
    (refused,) = await stand.refusals()
    assert (refused.reason_code, refused.auth_method) == (attack.reason_code, "proxy")
    assert stand.ran == []


async def test_the_same_headers_are_good_once(stand: Stand) -> None:
    headers = headers_of()
    assert (await stand.call(headers)).status_code == 200
    assert (await stand.call(headers)).status_code == 401
    (refused,) = await stand.refusals()
    assert (refused.reason_code, refused.claimed_user_id) == ("proxy_nonce_used", "ann")
    assert stand.ran == ["invoice"]


async def test_a_nonce_of_another_proxy_is_another_nonce(stand: Stand) -> None:
    for proxy in ("edge", "office"):
        assert (await stand.call(headers_of(proxy=proxy, nonce="the-same-nonce-for-both"))).status_code == 200


async def test_a_bad_signature_uses_no_nonce_up(stand: Stand) -> None:
    await stand.call(headers_of(nonce="tried-by-a-stranger-first", key="office"))
    assert (await stand.call(headers_of(nonce="tried-by-a-stranger-first"))).status_code == 200


@pytest.mark.requirement("C3")
async def test_from_anybody_else_the_headers_are_stripped_and_reported(stand: Stand) -> None:
    answer = await stand.call(headers_of("root", tier="admin"), "pay", http=stand.outside)
    assert answer.json()["error"]["code"] == 40301
    events = await stand.new_events()
    (refused,) = (event for event in events if isinstance(event, IdentityRefused))
    (row,) = (event for event in events if isinstance(event, ToolCallDecided))
    assert (refused.reason_code, refused.auth_method) == ("identity_headers_forged", "proxy")
    assert "x-user-tier" in refused.reason
    assert (row.auth_method, row.actual_tier, row.user_id) == ("none", "anonymous", None)
    assert stand.ran == []


async def test_from_anybody_else_the_token_counts_and_nothing_beside_it(stand: Stand) -> None:
    headers = {**headers_of("root"), "authorization": f"Bearer {stand.token('karl')}"}
    assert (await stand.call(headers, http=stand.outside)).status_code == 200
    (row,) = await stand.decisions()
    assert (row.user_id, row.auth_method) == ("karl", "bearer")


async def test_an_address_in_a_header_is_nobodys(stand: Stand) -> None:
    forwarded = {"x-forwarded-for": "127.0.0.1", "x-real-ip": "127.0.0.1", "forwarded": "for=127.0.0.1"}
    await stand.call({**headers_of("root"), **forwarded}, http=stand.outside)
    await stand.call({**headers_of("karl", proxy="far"), "x-forwarded-for": "10.9.1.1"})
    first, second = await stand.refusals()
    assert (first.reason_code, first.src_ip) == ("identity_headers_forged", "127.0.0.2")
    assert (second.reason_code, second.src_ip) == ("proxy_unknown", "127.0.0.1")
    assert stand.ran == []


@pytest.mark.parametrize("user", ["ann", "karl"])
@pytest.mark.parametrize("authorization", ["Bearer {}", "Basic YW5uOmFubg=="])
async def test_two_proofs_at_once_are_none(stand: Stand, user: str, authorization: str) -> None:
    token = authorization.format(stand.token("ann"))
    assert (await stand.call({**headers_of(user), "authorization": token})).status_code == 401
    (refused,) = await stand.refusals()
    assert (refused.reason_code, refused.claimed_user_id) == ("proofs_mixed", user)
    assert stand.ran == []


async def test_in_the_trusted_network_a_token_alone_is_a_token(stand: Stand) -> None:
    assert (await stand.call({"authorization": f"Bearer {stand.token('karl')}"})).status_code == 200
    (row,) = await stand.decisions()
    assert (row.user_id, row.auth_method) == ("karl", "bearer")


async def test_nothing_that_proves_stands_in_the_record_or_the_log(
    stand: Stand, caplog: pytest.LogCaptureFixture
) -> None:
    before_seq = stand.seen_seq
    made = [headers_of(), headers_of(audience="elsewhere"), headers_of(key="office")]
    with caplog.at_level("DEBUG"):
        for headers in made:
            await stand.call(headers)
    written = [entry.line.decode() for entry in await stand.gate.journal.read(before_seq, 100)]
    told = "\n".join([*written, caplog.text])
    for headers in made:
        assert headers["x-proxy-signature"] not in told
        assert headers["x-proxy-nonce"] not in told
    assert not [key for key in KEYS.values() if key in told]


@pytest.mark.parametrize("name", IDENTITY_HEADERS)
async def test_the_api_refuses_a_wrong_signature_too(stand: Stand, name: str) -> None:
    headers = headers_of(method="GET", target="/v1/stats") | {name: "changed-since-it-was-signed"}
    answer = await stand.inside.get(f"{stand.url}/v1/stats", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "proxy_refused")
