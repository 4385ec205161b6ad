"""Who may vouch for users: the proxies' keys, from the settings, and the nonces that they have used."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from gatetrail.clock import Clock
from gatetrail.errors import SettingsInvalid
from gatetrail.identity.proxies.verifier import ProxyVerifier
from gatetrail.identity.signing import MIN_KEY_BYTES
from gatetrail.runtime.background import in_background
from gatetrail.runtime.recording import Recording
from gatetrail.runtime.revealing import found
from gatetrail.settings import ServiceSettings, Value
from gatetrail_sinks.postgres.nonces import PostgresNonces

READ_AGAIN_S = 5.0


@asynccontextmanager
async def open_proxies(settings: ServiceSettings, recording: Recording, clock: Clock) -> AsyncGenerator[ProxyVerifier]:
    """What verifies the proxies' word, for as long as the block lasts.

    Raises `SettingsInvalid` for a key that is too short, that two proxies have, or that is not there now.
    """
    keys = ProxyKeyRing(settings.proxy_keys, os.environ, clock)
    keys.check()
    nonces = PostgresNonces(recording.dsn, recording.pool)
    async with AsyncExitStack() as stack:
        in_background(stack, nonces.sweep(), "gatetrail proxies' nonces")
        yield ProxyVerifier(keys, nonces, clock)


class ProxyKeyRing:
    """`ProxyKeys` from the settings. Reads files anew, so that keys can be exchanged while we run."""

    def __init__(
        self, values: Mapping[str, Value | tuple[Value, Value]], environment: Mapping[str, str], clock: Clock
    ) -> None:
        self._values = values
        self._environment = environment
        self._clock = clock
        self._known: dict[str, tuple[float, Sequence[bytes]]] = {}

    def __call__(self, name: str) -> Sequence[bytes]:
        if name not in self._values:
            return ()
        now_s = self._clock.monotonic_s()
        read_at_s, keys = self._known.get(name, (float("-inf"), ()))
        if now_s - read_at_s >= READ_AGAIN_S:
            keys = self._read(name)
            self._known[name] = now_s, keys
        return keys

    def check(self) -> None:
        """Raises `SettingsInvalid`."""
        owners: dict[bytes, str] = {}
        for name in self._values:
            for key in self._read(name):
                if owners.setdefault(key, name) != name:
                    raise SettingsInvalid(
                        f"proxy_keys: {owners[key]} and {name} have the same key; one could pass for the other"
                    )

    def _read(self, name: str) -> Sequence[bytes]:
        values = self._values[name]
        both = values if isinstance(values, tuple) else (values,)
        return tuple(self._one(f"proxy_keys.{name}", value) for value in both)

    def _one(self, where: str, value: Value) -> bytes:
        key = "".join(found(where, value, self._environment)).encode()
        if len(key) < MIN_KEY_BYTES:
            raise SettingsInvalid(f"{where}: has {len(key)} bytes; expected at least {MIN_KEY_BYTES} random ones")
        return key
