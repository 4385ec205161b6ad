"""The twin of the nonces' store."""

from __future__ import annotations

from gatetrail.errors import DatabaseUnavailable
from gatetrail.identity.proxies.nonces import Used


class MemoryNonces:
    """`Nonces` for one process. Set `away` to have it fail; `known_since_s` is when it lost what it knew before."""

    def __init__(self) -> None:
        self.away = False
        self.known_since_s = float("-inf")
        self._used: set[tuple[str, str]] = set()

    async def use(self, proxy: str, nonce: str, since_s: float) -> Used:
        if self.away:
            raise DatabaseUnavailable("the store of nonces in memory is away")
        if (proxy, nonce) in self._used:
            return Used.AGAIN
        self._used.add((proxy, nonce))
        return Used.FIRST if self.known_since_s < since_s else Used.UNKNOWN
