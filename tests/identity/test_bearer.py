from __future__ import annotations

import base64
import json
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatetrail.clock import IdMaker
from gatetrail.errors import SettingsInvalid, WrongUse
from gatetrail.identity.bearer import TokenVerifier, bearer_token, mint
from gatetrail.identity.caller import Authenticated, AuthMethod, IdentityRefusal, Refused
from gatetrail.identity.tiers import CallerType, Tier
from gatetrail.policy.identity import IdentityPolicy

SECRET = b"thirty-two bytes of test secret!"
RULES = IdentityPolicy(leeway_s=5, max_lifetime_s=86_400)
START_S = 1_800_000_000


class Time:
    """A clock that a test sets by hand."""

    def __init__(self) -> None:
        self.s: float = START_S

    def now_us(self) -> int:
        return round(self.s * 1_000_000)

    def monotonic_s(self) -> float:
        return self.s


def token_of(secret: bytes = SECRET, algorithm: str = "HS256", **over: Any) -> str:
    claims: dict[str, Any] = {
        "iss": "gatetrail",
        "aud": ["gatetrail", "finance-api"],
        "sub": "ann",
        "iat": START_S,
        "exp": START_S + 3600,
        "jti": "token-1",
        "tier": "user",
        "scope": "finance:read finance:write",
        "roles": ["analyst"],
        "department": "finance",
        **over,
    }
    present = {name: value for name, value in claims.items() if value is not ...}
    return jwt.encode(present, secret, algorithm=algorithm)


def with_header(header: dict[str, Any]) -> str:
    """A good token under another header, which its signature does not fit."""
    text = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    return ".".join((text, *token_of().split(".")[1:]))


def verify(token: str, time: Time | None = None) -> Authenticated | Refused:
    return TokenVerifier(RULES, SECRET, time or Time()).verify(token)


def refusal(token: str, time: Time | None = None) -> Refused:
    result = verify(token, time)
    assert isinstance(result, Refused), result
    return result


@pytest.mark.requirement("A4", "C2", "C5")
def test_a_good_token_becomes_a_typed_caller() -> None:
    caller = verify(token_of(client_id="desk", context_id="c-1", session_id="s-1"))
    assert isinstance(caller, Authenticated)
    assert caller.user_id == "ann"
    assert caller.tier is caller.token_tier is Tier.USER
    assert caller.caller_type is CallerType.USER
    assert caller.auth_method is AuthMethod.BEARER
    assert caller.scopes == {"finance:read", "finance:write"}
    assert (caller.roles, caller.department) == (("analyst",), "finance")
    assert caller.audiences == {"gatetrail", "finance-api"}
    assert (caller.session_id, caller.client_id, caller.context_id) == ("s-1", "desk", "c-1")
    assert (caller.token_id, caller.expires_at_s) == ("token-1", START_S + 3600)
    assert caller.accepted_until_s == START_S + 3605


@pytest.mark.requirement("A4", "C5")
@pytest.mark.parametrize(
    ("token", "reason", "said"),
    [
        (token_of(iss="other"), IdentityRefusal.ISSUER_UNKNOWN, "expected 'gatetrail'"),
        (token_of(aud="other"), IdentityRefusal.AUDIENCE_WRONG, "expected 'gatetrail'"),
        (token_of(exp=START_S - 6), IdentityRefusal.TOKEN_EXPIRED, "expired 6 s ago"),
        (token_of(nbf=START_S + 60), IdentityRefusal.TOKEN_NOT_YET_VALID, "check the clocks"),
        (
            token_of(iat=START_S + 60, exp=START_S + 90),
            IdentityRefusal.TOKEN_NOT_YET_VALID,
            "check the clocks",
        ),
        (token_of(exp=START_S + 86_401), IdentityRefusal.CLAIM_INVALID, "1 to 86400 s"),
        (token_of(iat=START_S + 2, exp=START_S + 1), IdentityRefusal.CLAIM_INVALID, "lives for"),
        (token_of(tier="boss"), IdentityRefusal.CLAIM_INVALID, "one of admin, user"),
        (token_of(tier=...), IdentityRefusal.CLAIM_MISSING, "'tier'"),
        (token_of(sub=...), IdentityRefusal.CLAIM_MISSING, "'sub'"),
        (token_of(exp=...), IdentityRefusal.CLAIM_MISSING, "'exp'"),
        (token_of(iat=...), IdentityRefusal.CLAIM_MISSING, "'iat'"),
        (token_of(iss=...), IdentityRefusal.CLAIM_MISSING, "'iss'"),
        (token_of(aud=...), IdentityRefusal.CLAIM_MISSING, "'aud'"),
        (token_of(sub=""), IdentityRefusal.CLAIM_INVALID, "'sub'"),
        (token_of(exp="soon"), IdentityRefusal.CLAIM_INVALID, "'exp'"),
        (token_of(exp=True), IdentityRefusal.CLAIM_INVALID, "'exp'"),
        (token_of(department="a\x00b"), IdentityRefusal.CLAIM_INVALID, "'department'"),
        (token_of(secret=b"y" * 32), IdentityRefusal.SIGNATURE_INVALID, "signature"),
        (
            token_of(secret=SECRET * 2, algorithm="HS512"),
            IdentityRefusal.ALGORITHM_NOT_ALLOWED,
            "expected HS256",
        ),
        (
            with_header({"alg": "none"}),
            IdentityRefusal.ALGORITHM_NOT_ALLOWED,
            "expected HS256",
        ),
        ("", IdentityRefusal.TOKEN_MALFORMED, "not a JWT"),
        ("a.b.c", IdentityRefusal.TOKEN_MALFORMED, "not a JWT"),
        ("x" * 20_000, IdentityRefusal.TOKEN_MALFORMED, "20,000 characters"),
    ],
)
def test_a_bad_token_is_refused_with_a_reason_that_helps(token: str, reason: IdentityRefusal, said: str) -> None:
    result = refusal(token)
    assert result.reason_code is reason
    assert said in result.reason
    assert not token or token not in result.reason


@pytest.mark.requirement("C5")
def test_the_algorithm_is_refused_before_the_signature_is_looked_at() -> None:
    result = refusal(with_header({"alg": "RS256"}))
    assert result.reason_code is IdentityRefusal.ALGORITHM_NOT_ALLOWED
    assert result.claimed_user_id == "ann"


def test_times_have_leeway_and_no_more() -> None:
    time = Time()
    token = token_of(nbf=START_S)
    for moment_s, proven in [(-5, True), (-5.1, False), (3604.9, True), (3605, False)]:
        time.s = START_S + moment_s
        assert isinstance(verify(token, time), Authenticated) is proven


def test_a_remembered_token_ends_when_it_expires() -> None:
    time = Time()
    verifier = TokenVerifier(RULES, SECRET, time)
    token = token_of()
    first = verifier.verify(token)
    assert verifier.verify(token) is first
    time.s = START_S + 3606
    result = verifier.verify(token)
    assert isinstance(result, Refused)
    assert result.reason_code is IdentityRefusal.TOKEN_EXPIRED


def test_the_memory_for_tokens_is_bounded() -> None:
    verifier = TokenVerifier(RULES, SECRET, Time(), cache_size=3)
    tokens = [token_of(jti=f"token-{number}") for number in range(5)]
    first = verifier.verify(tokens[0])
    for token in tokens[1:]:
        assert isinstance(verifier.verify(token), Authenticated)
    assert verifier.verify(tokens[0]) == first
    assert verifier.verify(tokens[0]) is not first


def test_a_session_is_derived_from_the_token_and_stays_the_same() -> None:
    def derived(**over: Any) -> str | None:
        caller = verify(token_of(**over))
        assert isinstance(caller, Authenticated)
        assert caller.session_id is None
        return caller.derived_session_id

    first = derived()
    assert first is not None
    assert first.startswith("d-")
    assert len(first) == 34
    assert first == derived(exp=START_S + 99)
    assert len({first, derived(jti="other"), derived(sub="bob"), derived(client_id="desk")}) == 4


def test_a_secret_that_can_be_guessed_is_refused() -> None:
    with pytest.raises(SettingsInvalid, match="has 31 bytes; HS256 needs at least 32"):
        TokenVerifier(RULES, b"x" * 31, Time())


@pytest.mark.requirement("C5")
def test_a_minted_token_proves_what_it_was_minted_for() -> None:
    time = Time()
    token = mint(
        RULES,
        SECRET,
        time,
        IdMaker(time),
        user="bob",
        tier=Tier.SERVICE,
        roles=["batch"],
        department="engineering",
        scopes=["build:run"],
        ttl_s=60,
        session_id="s-9",
        caller_type=CallerType.A2A,
        audiences=["engineering-api"],
    )
    caller = verify(token, time)
    assert isinstance(caller, Authenticated)
    assert (caller.user_id, caller.tier, caller.session_id) == ("bob", Tier.SERVICE, "s-9")
    assert caller.caller_type is CallerType.A2A
    assert caller.audiences == {"gatetrail", "engineering-api"}
    time.s += 66
    assert refusal(token, time).reason_code is IdentityRefusal.TOKEN_EXPIRED


@pytest.mark.parametrize("wrong", [{"ttl_s": 0}, {"ttl_s": 86_401}, {"user": ""}, {"user": "a\0"}])
def test_a_token_that_would_be_refused_is_not_minted(wrong: dict[str, Any]) -> None:
    keywords: dict[str, Any] = {"user": "ann", "tier": Tier.USER, **wrong}
    with pytest.raises(WrongUse):
        mint(RULES, SECRET, Time(), IdMaker(Time()), **keywords)


@pytest.mark.parametrize("header", [None, "", "  "])
def test_no_header_is_no_refusal(header: str | None) -> None:
    assert bearer_token(header) is None


@pytest.mark.parametrize("header", ["Bearer abc", "bearer abc", "BEARER   abc ", " Bearer abc"])
def test_the_scheme_is_read_in_any_case(header: str) -> None:
    assert bearer_token(header) == "abc"


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("Basic YWI6Yw==", IdentityRefusal.SCHEME_UNSUPPORTED),
        ("abc", IdentityRefusal.SCHEME_UNSUPPORTED),
        ("Bearer", IdentityRefusal.TOKEN_MALFORMED),
        ("Bearer a b", IdentityRefusal.TOKEN_MALFORMED),
        ("Bearer a,Bearer b", IdentityRefusal.TOKEN_MALFORMED),
    ],
)
def test_any_other_header_is_refused(header: str, reason: IdentityRefusal) -> None:
    result = bearer_token(header)
    assert isinstance(result, Refused)
    assert result.reason_code is reason


@given(st.text(max_size=200) | st.binary(max_size=150).map(lambda raw: raw.decode("latin-1")))
def test_no_text_makes_the_verifier_raise_or_repeat_it(text: str) -> None:
    result = refusal(text)
    assert len(text) < 12 or text not in result.reason


@given(st.integers(0, 2), st.data())
def test_a_token_that_was_changed_anywhere_proves_nobody(part: int, data: st.DataObject) -> None:
    parts = token_of().split(".")
    at = data.draw(st.integers(0, len(parts[part]) - 1))
    other = data.draw(st.sampled_from("ABCDwxyz0189-_"))
    changed = parts[part][:at] + other + parts[part][at + 1 :]
    raw = [base64.urlsafe_b64decode(text + "==") for text in (parts[part], changed)]
    parts[part] = changed
    if raw[0] != raw[1]:
        assert isinstance(verify(".".join(parts)), Refused)
