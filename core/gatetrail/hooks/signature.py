"""How a webhook knows that it is us: HMAC-SHA256 over time and body."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

HEADER = "Gatetrail-Signature"
MIN_SECRET_BYTES = 16


def sign(body: bytes, secrets: Sequence[bytes], now_s: int) -> str:
    """`t=SECONDS,v1=HEX` with one `v1` for each secret: while secrets change, a receiver may know either."""
    signatures = (f"v1={_digest(secret, now_s, body)}" for secret in secrets)
    return ",".join((f"t={now_s}", *signatures))


def verify(body: bytes, header: str, secret: bytes, now_s: float, *, tolerance_s: float = 300) -> bool:
    """Whether one of the header's signatures is right, and not older or newer than the tolerance."""
    parts = [part.strip().partition("=") for part in header.split(",")]
    times = [value for name, _, value in parts if name == "t"]
    if len(times) != 1 or not times[0].isascii() or not times[0].isdigit() or len(times[0]) > 12:  # noqa: PLR2004
        return False
    if abs(now_s - int(times[0])) > tolerance_s:
        return False
    right = _digest(secret, int(times[0]), body).encode()
    given = [value.encode("utf-8", "replace") for name, _, value in parts if name == "v1"]
    return any(hmac.compare_digest(right, one) for one in given)


def _digest(secret: bytes, now_s: int, body: bytes) -> str:
    return hmac.new(secret, f"{now_s}.".encode() + body, hashlib.sha256).hexdigest()
