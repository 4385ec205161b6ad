"""The text that is signed cannot be read in two ways, and reading headers never fails."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gatetrail.errors import WrongUse
from gatetrail.identity.proxies.vouching import SPELLINGS, Vouched, vouched_in
from gatetrail.identity.signing import IDENTITY_HEADERS, SIGNED_HEADERS, VERSION, canonical, signed_headers

pytestmark = pytest.mark.requirement("C4")

KEY = b"a key that is long enough for a proxy's signature"
TRICKY = st.text(st.sampled_from("x:\n -_1é?=") | st.characters(codec="utf-8"), max_size=20)
ANY_VALUES = st.dictionaries(st.sampled_from(SIGNED_HEADERS), TRICKY, max_size=len(SIGNED_HEADERS))
ASKED = st.tuples(st.text(max_size=8), st.binary(max_size=20), ANY_VALUES)


def read_back(text: bytes) -> tuple[str, bytes, dict[str, str]]:
    """The parts of a text that is signed, by its lengths alone."""
    head = VERSION.encode() + b"\n"
    assert text.startswith(head)
    at, parts = len(head), dict[str, bytes]()
    while at < len(text):
        found = re.compile(rb"([a-z-]+):(\d+):").match(text, at)
        assert found is not None
        end = found.end() + int(found[2])
        name = found[1].decode()
        assert name not in parts
        assert text[end : end + 1] == b"\n"
        parts[name], at = text[found.end() : end], end + 1
    method, target = parts.pop("method").decode(), parts.pop("target")
    return method, target, {name: value.decode() for name, value in parts.items()}


@given(ASKED)
@example(("POST", b"/a", {"x-user-id": "ann\nx-user-tier:5:admin"}))
@example(("POST\ntarget:2:/b", b"/a", {}))
def test_each_text_says_one_thing(asked: tuple[str, bytes, Mapping[str, str]]) -> None:
    method, target, values = asked
    path, _, query = target.partition(b"?")
    meant = target if query else path
    assert read_back(canonical(method, target, values)) == (method, meant, dict(values))


@given(ASKED, ASKED)
def test_two_requests_have_two_texts(
    one: tuple[str, bytes, Mapping[str, str]], other: tuple[str, bytes, Mapping[str, str]]
) -> None:
    same = (one[0], one[1].removesuffix(b"?"), one[2]) == (other[0], other[1].removesuffix(b"?"), other[2])
    assert (canonical(*one) == canonical(*other)) or not same


@given(
    st.lists(
        st.tuples(
            st.sampled_from(sorted(SPELLINGS)) | st.sampled_from([name.encode() for name in IDENTITY_HEADERS]),
            st.binary(max_size=80) | st.text(max_size=30).map(lambda text: text.encode("utf-8", "surrogatepass")),
        ),
        max_size=20,
    )
)
def test_reading_headers_never_fails(headers: list[tuple[bytes, bytes]]) -> None:
    found = vouched_in(headers)
    assert isinstance(found, str | Vouched)


@given(
    user=st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=50),
    permissions=st.lists(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1), max_size=5),
    timestamp_s=st.integers(0, 99_999_999_999),
)
def test_what_was_signed_is_read_as_it_was_meant(user: str, permissions: list[str], timestamp_s: int) -> None:
    made = signed_headers(
        KEY,
        proxy="edge",
        method="GET",
        target="/v1/stats?since=1s",
        user=user,
        permissions=permissions,
        timestamp_s=timestamp_s,
        nonce="a-nonce-that-is-long-enough",
    )
    found = vouched_in([(name.encode(), value.encode()) for name, value in made.items()])
    assert isinstance(found, Vouched)
    assert (found.user, found.timestamp_s, dict(found.values)) == (user, timestamp_s, made)
    text = found.text("GET", b"/v1/stats?since=1s")
    assert hmac.new(KEY, text, hashlib.sha256).hexdigest() == found.signature


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"user": ""}, "x-user-id: is empty"),
        ({"user": " ann"}, "x-user-id: has blanks at an end"),
        ({"user": "ann\r\nx-user-tier: admin"}, "x-user-id: has blanks at an end, or characters"),
        ({"user": "ann\0"}, "x-user-id"),
        ({"user": "u" * 5_000}, "x-user-id: is longer than 4096 bytes"),
        ({"nonce": "short"}, "x-proxy-nonce: expected 16 to 64"),
        ({"timestamp_s": -1}, "x-proxy-timestamp: expected whole seconds"),
        ({"permissions": ["two words"]}, "x-user-permissions: blanks separate"),
        ({"roles": [""]}, "x-user-roles: blanks separate"),
        ({"key": b"short"}, "expected at least 32"),
    ],
)
def test_what_no_proxy_may_say_is_not_signed(wrong: dict[str, object], told: str) -> None:
    given: dict[str, object] = {
        "key": KEY,
        "proxy": "edge",
        "method": "GET",
        "target": "/",
        "user": "ann",
        "timestamp_s": 1_800_000_000,
        "nonce": "a-nonce-that-is-long-enough",
        **wrong,
    }
    with pytest.raises(WrongUse, match=told):
        signed_headers(**given)  # type: ignore[arg-type]
