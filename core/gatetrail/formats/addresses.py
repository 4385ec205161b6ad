"""What of `src_ip` is an IP address to everybody."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import ip_address

MAX_LENGTH = 40
"""OCSF's `ip_t` is not longer."""


@lru_cache(maxsize=4096)
def is_ip(text: str) -> bool:
    """Whether it is an IPv4 or IPv6 address without a zone: a typed field of a SIEM refuses anything else."""
    if len(text) > MAX_LENGTH or "%" in text:
        return False
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
