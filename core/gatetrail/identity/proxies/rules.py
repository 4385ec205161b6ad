"""What is asked of a proxy; an entry of `identity.proxies` in the policy file fits."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from gatetrail.identity.tiers import Tier


class ProxyRules(Protocol):
    """One proxy."""

    @property
    def name(self) -> str: ...
    @property
    def networks(self) -> Sequence[str]: ...
    @property
    def audience(self) -> str: ...
    @property
    def window_s(self) -> int: ...
    @property
    def user_prefix(self) -> str: ...
    @property
    def tiers(self) -> Collection[Tier] | None: ...
    @property
    def default_tier(self) -> Tier: ...
    @property
    def ceiling_tier(self) -> Tier: ...
    @property
    def proof_s(self) -> int: ...
