"""Token buckets in Valkey: one script takes for many calls, by the server's clock."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from gatetrail.limits import Limit, Taking
from gatetrail.rates import Grouped, GroupSettings
from gatetrail_sinks.valkey.connection import ScriptConnection, ValkeyAddress

PROBE_LIMIT = Limit(1.0, 1.0)


class ValkeyRates:
    """`RateStore` on Valkey. Made by `open_rates`."""

    name = "valkey"

    def __init__(self, connection: ScriptConnection, grouped: Grouped, instance_id: str) -> None:
        self._connection = connection
        self._grouped = grouped
        self._probe = Taking(f"probe\0{instance_id}", PROBE_LIMIT)

    async def take(self, wanted: Sequence[Taking]) -> int:
        return await self._grouped.take(wanted)

    async def recover(self) -> None:
        await self._connection.connect(self._probe)


@asynccontextmanager
async def open_rates(address: ValkeyAddress, instance_id: str, settings: GroupSettings) -> AsyncGenerator[ValkeyRates]:
    """The store of a server; not yet connected. Raises `SettingsInvalid`."""
    connection = ScriptConnection(address)
    grouped = Grouped(connection, settings)
    grouped.start()
    try:
        yield ValkeyRates(connection, grouped, instance_id)
    finally:
        await grouped.stop()
        await connection.close()
