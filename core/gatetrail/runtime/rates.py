"""The shared token buckets of one process, where the settings want them shared."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import assert_never

from gatetrail.clock import Clock
from gatetrail.dispatcher.rate_reports import RateReports
from gatetrail.errors import SettingsInvalid
from gatetrail.events.stamp import Stamp
from gatetrail.rates import GroupSettings, LocalRates, RateObserver, RateStore, SharedRates
from gatetrail.runtime.recording import Recording
from gatetrail.settings import OnAway, RateStoreType, ServiceSettings
from gatetrail_sinks.postgres.rates import open_rates as open_postgres


@asynccontextmanager
async def open_rates(
    settings: ServiceSettings, recording: Recording, stamp: Stamp, observer: RateObserver, clock: Clock
) -> AsyncGenerator[SharedRates | None]:
    """None: this process counts by itself. A store that is away is no reason not to start. Raises `SettingsInvalid`."""
    opening = _store(settings, recording, stamp.instance_id)
    if opening is None:
        yield None
        return
    async with opening as store:
        wanted = settings.rate_store
        local = LocalRates(wanted.processes_for(settings.workers)) if wanted.on_away is OnAway.LOCAL else None
        shared = SharedRates(store, local, RateReports(stamp, recording.ledger.commit_or_spool), observer, clock)
        await shared.start()
        try:
            yield shared
        finally:
            await shared.close()


def _store(
    settings: ServiceSettings, recording: Recording, instance_id: str
) -> AbstractAsyncContextManager[RateStore] | None:
    limits = GroupSettings(limit_ms=settings.rate_store.limit_ms)
    wanted = settings.rate_store.type_for(settings.workers)
    match wanted:
        case RateStoreType.MEMORY | RateStoreType.AUTO:
            return None
        case RateStoreType.POSTGRES:
            return open_postgres(recording.dsn, recording.pool, instance_id, limits)
        case RateStoreType.VALKEY:
            return _valkey(settings, instance_id, limits)
        case _:
            assert_never(wanted)


def _valkey(
    settings: ServiceSettings, instance_id: str, limits: GroupSettings
) -> AbstractAsyncContextManager[RateStore]:
    try:
        from gatetrail_sinks.valkey import ValkeyAddress
        from gatetrail_sinks.valkey import open_rates as open_valkey
    except ImportError:
        raise SettingsInvalid("rate_store.type valkey needs a package: pip install 'gatetrail[valkey]'") from None
    if settings.rate_store.url is None:
        raise SettingsInvalid("rate_store.type valkey needs rate_store.url")
    return open_valkey(ValkeyAddress(settings.rate_store.url, settings.rate_store.tls), instance_id, limits)
