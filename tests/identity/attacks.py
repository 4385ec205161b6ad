"""Every attack on a token that we know, by name: how the token is made, and why it must be refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import jwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from gatetrail.identity.caller import IdentityRefusal
from tests.identity.stand import (
    PARTNER,
    SECRET,
    claims,
    company,
    ec_key,
    encoded,
    good,
    jwk,
    of_partner,
    of_secret,
    pem,
    rsa_key,
    signer,
    token,
)

First = TypeVar("First")
Second = TypeVar("Second")
Refusal = IdentityRefusal
RS = {"alg": "RS256", "kid": "c-1"}


@dataclass(frozen=True, slots=True)
class Attack:
    """`make` gets the time in seconds since 1970."""

    name: str
    make: Callable[[int], str]
    reason: IdentityRefusal


def of(make: Callable[[int, First], str], value: First) -> Callable[[int], str]:
    """With this value: a closure in a loop would see the last one."""
    return lambda now: make(now, value)


def of_two(make: Callable[[int, First, Second], str], first: First, second: Second) -> Callable[[int], str]:
    return lambda now: make(now, first, second)


def all_attacks() -> Iterator[Attack]:
    yield from _algorithms()
    yield from _confusion()
    yield from _key_ids()
    yield from _own_keys()
    yield from _times_and_names()
    yield from _shapes()
    yield from _base64()
    yield from _signatures()


def _algorithms() -> Iterator[Attack]:
    for spelling in ("none", "None", "NONE", "nOnE", "none ", ""):
        for iss in ("", PARTNER, "gatetrail"):
            over = {"iss": iss} if iss else {}
            yield Attack(
                f"alg {spelling!r}, {iss or 'company'}",
                of_two(
                    lambda now, spelling, over: token({"alg": spelling}, claims(now, **over), lambda _: b""),
                    spelling,
                    over,
                ),
                Refusal.ALGORITHM_NOT_ALLOWED,
            )
    others: list[tuple[str, Any]] = [(name, rsa_key("company")) for name in ("RS384", "RS512", "PS256", "PS512")]
    for name, key in others:
        yield Attack(
            f"alg {name}, not on the list",
            of_two(
                lambda now, name, key: token({"alg": name, "kid": "c-1"}, claims(now), signer(key, name)), name, key
            ),
            Refusal.ALGORITHM_NOT_ALLOWED,
        )
    yield Attack(
        "alg ES256 with a good key, not on the issuer's list",
        lambda now: token({"alg": "ES256", "kid": "c-ec"}, claims(now), signer(ec_key("company"))),
        Refusal.ALGORITHM_NOT_ALLOWED,
    )
    yield Attack(
        "alg ES384 with a key of that curve",
        lambda now: token(
            {"alg": "ES384", "kid": "p-1"}, of_partner(now), signer(ec.generate_private_key(ec.SECP384R1()), "ES384")
        ),
        Refusal.ALGORITHM_NOT_ALLOWED,
    )
    for wrong in (None, 5, ["RS256"], {"RS256": 1}, True):
        yield Attack(
            f"alg {wrong!r}",
            of(lambda now, wrong: token({"alg": wrong, "kid": "c-1"}, claims(now)), wrong),
            Refusal.ALGORITHM_NOT_ALLOWED,
        )
    yield Attack("no alg", lambda now: token({"kid": "c-1"}, claims(now)), Refusal.ALGORITHM_NOT_ALLOWED)
    yield Attack(
        "alg in lower case", lambda now: token({**RS, "alg": "rs256"}, claims(now)), Refusal.ALGORITHM_NOT_ALLOWED
    )


def _confusion() -> Iterator[Attack]:
    """RFC 8725, section 2.1: the public key used as the secret of an HMAC."""
    shapes: dict[str, Callable[[], bytes]] = {
        "its PEM": lambda: pem(rsa_key("company")),
        "its PEM without the last line break": lambda: pem(rsa_key("company")).rstrip(),
        "its JWK": lambda: json.dumps(jwk(rsa_key("company"), "c-1")).encode(),
        "its modulus": jwk(rsa_key("company"))["n"].encode,
    }
    for name, public in shapes.items():
        for header in ({"alg": "HS256", "kid": "c-1"}, {"alg": "HS256"}):
            yield Attack(
                f"RS256 to HS256 with {name} as the secret{'' if 'kid' in header else ', no kid'}",
                of_two(lambda now, public, header: token(header, claims(now), _hmac(public())), public, header),
                Refusal.ALGORITHM_NOT_ALLOWED,
            )
    yield Attack(
        "a token of the company signed with the shared secret",
        lambda now: token({"alg": "HS256"}, claims(now), _hmac(SECRET)),
        Refusal.ALGORITHM_NOT_ALLOWED,
    )
    yield Attack(
        "a token of the shared secret's issuer signed with the company's key",
        lambda now: token(RS, of_secret(now)),
        Refusal.ALGORITHM_NOT_ALLOWED,
    )
    yield Attack(
        "HS512 with the shared secret",
        lambda now: jwt.encode(of_secret(now), SECRET * 2, "HS512"),
        Refusal.ALGORITHM_NOT_ALLOWED,
    )
    yield Attack(
        "an RSA signature called ES256",
        lambda now: token({"alg": "ES256", "kid": "c-1"}, of_partner(now)),
        Refusal.KEY_UNKNOWN,
    )
    yield Attack(
        "a token of one issuer signed by another's key of the same kid",
        lambda now: token(RS, claims(now), signer(rsa_key("partner"))),
        Refusal.SIGNATURE_INVALID,
    )
    yield Attack(
        "a token of one issuer signed by another's key, no kid",
        lambda now: token({"alg": "RS256"}, claims(now), signer(rsa_key("partner"))),
        Refusal.SIGNATURE_INVALID,
    )
    yield Attack(
        "a token of the partner signed by the company's EC key",
        lambda now: token({"alg": "ES256", "kid": "c-ec"}, of_partner(now), signer(ec_key("company"))),
        Refusal.KEY_UNKNOWN,
    )


def _key_ids() -> Iterator[Attack]:
    names = {
        "path traversal": "../../../../dev/null",
        "absolute path": "/etc/passwd",
        "SQL": "c-1' UNION SELECT 'x' --",
        "shell": "c-1; cat /etc/passwd |",
        "NUL": "c-1\x00",
        "line break": "c-1\r\nx-user-id: root",
        "template": "{{7*7}}${jndi:ldap://127.0.0.1/x}",
        "URL": "http://127.0.0.1:1/keys",
        "empty": "",
        "upper case": "C-1",
        "blank behind": "c-1 ",
        "look-alike": "с-1",
        "half a character": "\ud800",
        "long": "k" * 1_400,
    }
    for name, kid in names.items():
        yield Attack(
            f"kid with {name}",
            of(lambda now, kid: token({"alg": "RS256", "kid": kid}, claims(now)), kid),
            Refusal.KEY_UNKNOWN,
        )
    yield Attack(
        "giant kid", lambda now: token({"alg": "RS256", "kid": "k" * 5_000}, claims(now)), Refusal.TOKEN_MALFORMED
    )
    for wrong in (5, ["c-1"], {"kid": "c-1"}, True, None):
        yield Attack(
            f"kid {wrong!r}",
            of(lambda now, wrong: token({"alg": "RS256", "kid": wrong}, claims(now)), wrong),
            Refusal.TOKEN_MALFORMED,
        )
    yield Attack(
        "empty secret by kid /dev/null",
        lambda now: token({"alg": "HS256", "kid": "../../dev/null"}, of_secret(now), _hmac(b"")),
        Refusal.SIGNATURE_INVALID,
    )


def _own_keys() -> Iterator[Attack]:
    mine = rsa_key("attacker")
    for name, value in {
        "jku": "http://127.0.0.1:1/jwks.json",
        "x5u": "http://127.0.0.1:1/chain.pem",
        "jwk": jwk(mine, "c-1"),
        "x5c": ["MIIB"],
    }.items():
        yield Attack(
            f"{name} brings a key along",
            of_two(lambda now, name, value: token({**RS, name: value}, claims(now), signer(mine)), name, value),
            Refusal.TOKEN_MALFORMED,
        )
    yield Attack(
        "jku beside a good signature",
        lambda now: token({**RS, "jku": "https://x.example"}, claims(now)),
        Refusal.TOKEN_MALFORMED,
    )
    for crit in (["exp"], ["b64"], [], "exp", None):
        yield Attack(
            f"crit {crit!r}",
            of(lambda now, crit: token({**RS, "crit": crit}, claims(now)), crit),
            Refusal.TOKEN_MALFORMED,
        )
    yield Attack("b64 false", lambda now: token({**RS, "b64": False}, claims(now)), Refusal.TOKEN_MALFORMED)
    for kind in ("dpop+jwt", "logout+jwt", "secevent+jwt", "JWE", "", 5, None):
        yield Attack(
            f"typ {kind!r}",
            of(lambda now, kind: token({**RS, "typ": kind}, claims(now)), kind),
            Refusal.TOKEN_MALFORMED,
        )


def _times_and_names() -> Iterator[Attack]:
    hour = 3600
    yield Attack("expired", lambda now: good(now - 2 * hour), Refusal.TOKEN_EXPIRED)
    yield Attack("expired just now", lambda now: good(now, iat=now - hour, exp=now - 6), Refusal.TOKEN_EXPIRED)
    yield Attack("iat in the future", lambda now: good(now + hour), Refusal.TOKEN_NOT_YET_VALID)
    yield Attack("nbf in the future", lambda now: good(now, nbf=now + 60), Refusal.TOKEN_NOT_YET_VALID)
    yield Attack("lives for longer than allowed", lambda now: good(now, exp=now + 7201), Refusal.CLAIM_INVALID)
    yield Attack("ends before it begins", lambda now: good(now, iat=now + 3, exp=now + 1), Refusal.CLAIM_INVALID)
    yield Attack("never ends", lambda now: good(now, exp=...), Refusal.CLAIM_MISSING)
    for wrong in ("2099-01-01", True, -1, 1e300, [9], None):
        reason = Refusal.CLAIM_MISSING if wrong is None else Refusal.CLAIM_INVALID
        yield Attack(f"exp {wrong!r}", of(lambda now, wrong: good(now, exp=wrong), wrong), reason)
    for iss in (
        "https://evil.example",
        "https://login.company.example/",
        "HTTPS://LOGIN.COMPANY.EXAMPLE",
        "",
        5,
        ["x"],
    ):
        yield Attack(f"issuer {iss!r}", of(lambda now, iss: good(now, iss=iss), iss), Refusal.ISSUER_UNKNOWN)
    yield Attack("no issuer", lambda now: good(now, iss=...), Refusal.CLAIM_MISSING)
    for aud in ("other", "gatetrail-partners", ["x", "y"], "Gatetrail"):
        yield Attack(f"audience {aud!r}", of(lambda now, aud: good(now, aud=aud), aud), Refusal.AUDIENCE_WRONG)
    yield Attack("no audience", lambda now: good(now, aud=...), Refusal.CLAIM_MISSING)
    yield Attack("no subject", lambda now: good(now, sub=...), Refusal.CLAIM_MISSING)
    yield Attack("a tier that does not exist", lambda now: good(now, tier="root"), Refusal.CLAIM_INVALID)
    yield Attack("half a character as the subject", lambda now: good(now, sub="a\ud800"), Refusal.CLAIM_INVALID)
    yield Attack("NUL in the subject", lambda now: good(now, sub="a\x00b"), Refusal.CLAIM_INVALID)


def _shapes() -> Iterator[Attack]:
    malformed = Refusal.TOKEN_MALFORMED
    yield Attack("giant token", lambda now: good(now, note="x" * 20_000), malformed)
    yield Attack("megabyte token", lambda now: good(now, note="x" * 40_000), malformed)
    depth = 3_000
    nested = {"payload": b'{"a":' * depth + b"1" + b"}" * depth, "lists": b'{"a":' + b"[" * depth + b"]" * depth + b"}"}
    for name, content in nested.items():
        yield Attack(f"deeply nested {name}", of(lambda _, content: token(RS, content), content), malformed)
        yield Attack(
            f"deeply nested {name}, in the header",
            of(lambda now, content: token(content[:1200], claims(now)), content),
            malformed,
        )
    twice = b'{"alg":"RS256","kid":"c-1","alg":"none"}'
    yield Attack("alg twice in the header", lambda now: token(twice, claims(now)), malformed)
    for name, again in {"sub": b'"root"', "iss": b'"x"', "tier": b'"admin"', "\\u0073ub": b'"root"'}.items():
        yield Attack(
            f"{name} twice in the payload",
            of_two(
                lambda now, name, again: token(
                    RS, json.dumps(claims(now)).encode()[:-1] + b', "' + name.encode() + b'": ' + again + b"}"
                ),
                name,
                again,
            ),
            malformed,
        )
    texts: dict[str, bytes] = {
        "a list as payload": b"[1]",
        "a text as payload": b'"x"',
        "no JSON as payload": b"{",
        "UTF-16 as payload": json.dumps({"a": 1}).encode("utf-16"),
        "a byte order mark": b"\xef\xbb\xbf{}",
        "no UTF-8": b'{"a":"\xff"}',
        "NaN": b'{"exp": NaN}',
        "Infinity": b'{"exp": Infinity}',
        "a number without end": b'{"exp": 1' + b"0" * 5_000 + b"}",
    }
    for name, content in texts.items():
        yield Attack(name, of(lambda _, content: token(RS, content), content), malformed)
    yield Attack("a nested token", lambda now: token({**RS, "cty": "JWT"}, good(now).encode()), malformed)
    yield Attack("five parts (encrypted)", lambda now: good(now) + ".AAAA.BBBB", malformed)
    yield Attack("two parts", lambda now: good(now).rpartition(".")[0], malformed)
    yield Attack(
        "JSON serialization", lambda now: json.dumps({"payload": encoded(claims(now))}).replace(" ", ""), malformed
    )


def _base64() -> Iterator[Attack]:
    malformed = Refusal.TOKEN_MALFORMED
    yield Attack("padding", lambda now: good(now) + "==", malformed)
    yield Attack("padded header", lambda now: good(now).replace(".", "=.", 1), malformed)
    yield Attack("the other base64", lambda now: good(now)[:-3] + "+/+", malformed)
    yield Attack("another spelling of the last bits", lambda now: _respelled(good(now)), malformed)
    yield Attack("junk in between", lambda now: good(now).replace(".", "!.", 1), malformed)
    yield Attack("dots at the end", lambda now: good(now) + ".", malformed)
    yield Attack("full-width letters", lambda now: good(now).replace("e", "ｅ", 1), malformed)
    yield Attack("one letter of base64", lambda now: good(now).rpartition(".")[0] + ".A", malformed)


def _signatures() -> Iterator[Attack]:
    yield Attack("empty signature", lambda now: good(now).rpartition(".")[0] + ".", Refusal.SIGNATURE_INVALID)
    yield Attack(
        "another token's signature",
        lambda now: f"{good(now, sub='root').rpartition('.')[0]}.{good(now).rpartition('.')[2]}",
        Refusal.SIGNATURE_INVALID,
    )
    yield Attack(
        "ES256 signature of zeros (CVE-2022-21449)",
        lambda now: token({"alg": "ES256", "kid": "p-1"}, of_partner(now), lambda _: bytes(64)),
        Refusal.SIGNATURE_INVALID,
    )
    yield Attack(
        "EdDSA signature of zeros",
        lambda now: token({"alg": "EdDSA", "kid": "p-2"}, of_partner(now), lambda _: bytes(64)),
        Refusal.SIGNATURE_INVALID,
    )
    yield Attack(
        "ES256 signature in DER",
        lambda now: token(
            {"alg": "ES256", "kid": "p-1"},
            of_partner(now),
            lambda content: ec_key("partner").sign(content, ec.ECDSA(hashes.SHA256())),
        ),
        Refusal.SIGNATURE_INVALID,
    )
    yield Attack(
        "signature cut short",
        lambda now: token(RS, claims(now), lambda content: company(content)[:-1]),
        Refusal.SIGNATURE_INVALID,
    )
    yield Attack(
        "a guess at the secret",
        lambda now: token({"alg": "HS256"}, of_secret(now), _hmac(b"secret")),
        Refusal.SIGNATURE_INVALID,
    )


def _hmac(secret: bytes) -> Callable[[bytes], bytes]:
    return lambda content: hmac.new(secret, content, hashlib.sha256).digest()


def _respelled(good_token: str) -> str:
    """Other letters that many decoders read as the same bytes."""
    head, _, signature = good_token.rpartition(".")
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    other = letters[letters.index(signature[-1]) ^ 1]
    respelled = signature[:-1] + other
    assert base64.urlsafe_b64decode(respelled + "==") == base64.urlsafe_b64decode(signature + "==")
    return f"{head}.{respelled}"
