"""A private key that stands in for an issuer's own, for development and tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gatetrail.errors import WrongUse
from gatetrail.identity.rules import IssuerRules


class SigningKey:
    """Signs in the words of one issuer, with the algorithm that its key is for."""

    def __init__(self, pem: bytes, key_id: str | None, issuer: IssuerRules) -> None:
        """Raises WrongUse for what is no private key that we could check a signature of."""
        try:
            self._key = load_pem_private_key(pem, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise WrongUse("the key is no private key in PEM without a password") from None
        self._algorithm = _algorithm_of(self._key)
        self._key_id = key_id
        self._issuer = issuer

    def signed(self, claims: Mapping[str, Any]) -> str:
        """The token of claims that are told in our words."""
        header = {} if self._key_id is None else {"kid": self._key_id}
        return jwt.encode(self._in_its_words(claims), self._key, self._algorithm, header)  # type: ignore[arg-type]

    def _in_its_words(self, claims: Mapping[str, Any]) -> dict[str, Any]:
        issuer = self._issuer
        names = {
            "sub": issuer.user_claim,
            "tier": issuer.tier_claim,
            "department": issuer.department_claim,
            "roles": issuer.roles_claim,
            "scope": issuer.scope_claim,
            "client_id": issuer.client_claim,
        }
        told: dict[str, Any] = {}
        for name, value in claims.items():
            _put(told, names.get(name, name), value)
        return told


def _put(into: dict[str, Any], name: str, value: Any) -> None:
    *outer, last = [name] if "://" in name else name.split(".")
    for part in outer:
        into = into.setdefault(part, {})
    into[last] = value


def _algorithm_of(key: object) -> str:
    match key:
        case RSAPrivateKey():
            return "RS256"
        case EllipticCurvePrivateKey() if isinstance(key.curve, SECP256R1):
            return "ES256"
        case Ed25519PrivateKey():
            return "EdDSA"
        case _:
            raise WrongUse("the key is of no type that we take; expected RSA, EC with the curve P-256, or Ed25519")
