"""One key that signatures are checked with, and the one algorithm that it is for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import Algorithm, get_default_algorithms

from gatetrail.identity.strict_json import is_list, is_object

HS256: Final = "HS256"
ASYMMETRIC = ("RS256", "ES256", "EdDSA")
"""What a JWKS can be for, in the order of how often it is met."""
SYMMETRIC = (HS256,)
"""What a shared secret can be for."""

MIN_RSA_BITS = 2048
"""RFC 7518, section 3.3."""
MAX_RSA_BITS = 8192
"""A larger one costs whoever checks more than it gives."""
MIN_RSA_EXPONENT = 65_537

FOREVER_S = float("inf")

_ALGORITHM_OF_TYPE = {"RSA": "RS256", "EC": "ES256", "OKP": "EdDSA"}
_PRIVATE_PARTS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_CHECKS: dict[str, Algorithm] = get_default_algorithms()


class KeyUnusableError(Exception):
    """Why a key of a set is not used. Holds nothing of the key."""


class VerificationKey:
    """A key, bound to its one algorithm when it is made, so that no token can choose another use for it."""

    __slots__ = ("_material", "algorithm", "key_id", "thumbprint", "usable_until_s")

    def __init__(self, algorithm: str, key_id: str | None, material: Any, thumbprint: bytes) -> None:
        self.algorithm = algorithm
        self.key_id = key_id
        self.thumbprint = thumbprint
        """Equal for equal keys of equal name."""
        self.usable_until_s = FOREVER_S
        """Seconds since 1970. Moved on while the key's set is fresh, and to 0 when the key is withdrawn: what was
        verified with it before then no longer counts either."""
        self._material = material

    def fits(self, signed: bytes, signature: bytes) -> bool:
        """Whether the signature was made with this key over exactly these bytes."""
        return bool(_CHECKS[self.algorithm].verify(signed, self._material, signature))


def secret_key(secret: bytes) -> VerificationKey:
    """The shared secret, which is good for HS256 and nothing else."""
    return VerificationKey(HS256, None, secret, b"")


def public_key(jwk: object) -> VerificationKey:
    """The key of one entry of a set (RFC 7517, section 4). Raises KeyUnusableError."""
    if not is_object(jwk):
        raise KeyUnusableError("it is no JSON object")
    kind = jwk.get("kty")
    algorithm = _ALGORITHM_OF_TYPE.get(kind) if isinstance(kind, str) else None
    if algorithm is None:
        raise KeyUnusableError("its type (kty) is none of RSA, EC and OKP")
    _check_purpose(jwk, algorithm)
    if not _PRIVATE_PARTS.isdisjoint(jwk):
        raise KeyUnusableError("it holds private parts, so it is nobody's own any more")
    key_id = jwk.get("kid")
    if not isinstance(key_id, str | None):
        raise KeyUnusableError("its name (kid) is no text")
    thumbprint = hashlib.sha256(json.dumps(jwk, sort_keys=True).encode()).digest()
    return VerificationKey(algorithm, key_id, _material(jwk, algorithm), thumbprint)


def _check_purpose(jwk: Mapping[str, Any], algorithm: str) -> None:
    if jwk.get("use", "sig") != "sig":
        raise KeyUnusableError("it is not for signatures (use)")
    operations: object = jwk.get("key_ops", ["verify"])
    if not is_list(operations) or "verify" not in operations:
        raise KeyUnusableError("it is not for verifying (key_ops)")
    if jwk.get("alg", algorithm) != algorithm:
        raise KeyUnusableError(f"its algorithm (alg) is not {algorithm}, the only one that we take for its type")


def _material(jwk: Mapping[str, Any], algorithm: str) -> Any:
    try:
        material = _CHECKS[algorithm].from_jwk(dict(jwk))
    except (jwt.PyJWTError, UnsupportedAlgorithm, ValueError, TypeError, KeyError, AttributeError):
        raise KeyUnusableError("its numbers are no key") from None
    match material:
        case RSAPublicKey():
            _check_rsa(material)
        case EllipticCurvePublicKey() if isinstance(material.curve, SECP256R1):
            pass
        case Ed25519PublicKey():
            pass
        case _:
            raise KeyUnusableError(f"its curve (crv) is not the one of {algorithm}")
    return material


def _check_rsa(key: RSAPublicKey) -> None:
    if not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
        raise KeyUnusableError(f"it has {key.key_size} bits; expected {MIN_RSA_BITS} to {MAX_RSA_BITS}")
    if key.public_numbers().e < MIN_RSA_EXPONENT:
        raise KeyUnusableError(f"its exponent is {key.public_numbers().e}; expected at least {MIN_RSA_EXPONENT}")
