"""Two issuers with keys of their own beside the shared secret, and forged tokens of every make."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import get_default_algorithms

from gatetrail.policy.identity import IdentityPolicy
from gatetrail.policy.load import parse_policy

SECRET = b"a secret that is long enough for HS256"
START_S = 1_800_000_000
COMPANY, PARTNER = "https://login.company.example", "https://partner.example/realms/main"
Sign = Callable[[bytes], bytes]


class Time:
    """A clock that a test sets by hand."""

    def __init__(self, s: float = START_S) -> None:
        self.s = s

    def now_us(self) -> int:
        return round(self.s * 1_000_000)

    def monotonic_s(self) -> float:
        return self.s


@cache
def rsa_key(name: str, bits: int = 2048) -> rsa.RSAPrivateKey:
    """The same key for the same name."""
    assert name
    return rsa.generate_private_key(public_exponent=65_537, key_size=bits)


@cache
def ec_key(name: str) -> ec.EllipticCurvePrivateKey:
    assert name
    return ec.generate_private_key(ec.SECP256R1())


@cache
def ed_key(name: str) -> ed25519.Ed25519PrivateKey:
    assert name
    return ed25519.Ed25519PrivateKey.generate()


def jwk(key: Any, kid: str | None = None, **more: Any) -> dict[str, Any]:
    """The public half as an entry of a key set."""
    algorithm = get_default_algorithms()[algorithm_of(key)]
    entry: dict[str, Any] = algorithm.to_jwk(key.public_key(), as_dict=True)
    entry.pop("key_ops", None)
    return {**entry, **({} if kid is None else {"kid": kid}), **more}


def algorithm_of(key: Any) -> str:
    kinds = {rsa.RSAPrivateKey: "RS256", ec.EllipticCurvePrivateKey: "ES256", ed25519.Ed25519PrivateKey: "EdDSA"}
    return next(name for kind, name in kinds.items() if isinstance(key, kind))


def key_set(*entries: Mapping[str, Any]) -> bytes:
    return json.dumps({"keys": entries}).encode()


def pem(key: Any) -> bytes:
    """The public half, as anybody has it."""
    public: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return public


def rules(folder: Path) -> IdentityPolicy:
    """Company: RSA only, up to user. Partner: EC and Ed25519, up to service. Both from files in the folder."""
    (folder / "company.json").write_bytes(key_set(jwk(rsa_key("company"), "c-1"), jwk(ec_key("company"), "c-ec")))
    partners = (jwk(ec_key("partner"), "p-1"), jwk(ed_key("partner"), "p-2"), jwk(rsa_key("partner"), "c-1"))
    (folder / "partner.json").write_bytes(key_set(*partners))
    return parse_policy(policy_text(folder), "policy.yaml").document.identity


def policy_text(folder: Path) -> str:
    return f"""
identity:
  shared_secret: true
  max_lifetime_s: 86400
  issuers:
    - issuer: {COMPANY}
      audience: gatetrail
      algorithms: [RS256]
      keys: {{file: {folder}/company.json}}
      max_lifetime_s: 7200
    - issuer: {PARTNER}
      audience: gatetrail-partners
      algorithms: [ES256, EdDSA]
      keys: {{file: {folder}/partner.json}}
      user_prefix: "partner:"
      default_tier: mcp
      ceiling_tier: service
"""


def claims(now_s: int = START_S, **over: Any) -> dict[str, Any]:
    """Of the company; `...` leaves a claim out."""
    told: dict[str, Any] = {
        "iss": COMPANY,
        "aud": "gatetrail",
        "sub": "ann",
        "iat": now_s,
        "exp": now_s + 3600,
        "jti": "token-1",
        "tier": "user",
        **over,
    }
    return {name: value for name, value in told.items() if value is not ...}


def of_partner(now_s: int = START_S, **over: Any) -> dict[str, Any]:
    return claims(now_s, **{"iss": PARTNER, "aud": "gatetrail-partners", **over})


def of_secret(now_s: int = START_S, **over: Any) -> dict[str, Any]:
    return claims(now_s, **{"iss": "gatetrail", **over})


def signer(key: Any, algorithm: str | None = None) -> Sign:
    """Signs bytes; with a key of bytes by HMAC."""
    name = algorithm or (algorithm_of(key) if not isinstance(key, bytes) else "HS256")
    checks = get_default_algorithms()[name]
    return lambda content: checks.sign(content, key)


def company(content: bytes) -> bytes:
    """What the company signs with."""
    return signer(rsa_key("company"))(content)


def encoded(content: Any) -> str:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def token(header: Any, payload: Any, sign: Sign = company) -> str:
    """A token of any header and payload, both as values or as bytes."""
    signed = f"{encoded(header)}.{encoded(payload)}"
    return f"{signed}.{encoded(sign(signed.encode()))}"


def good(now_s: int = START_S, **over: Any) -> str:
    """A token of the company that is as it should be."""
    return token({"alg": "RS256", "kid": "c-1", "typ": "JWT"}, claims(now_s, **over))
