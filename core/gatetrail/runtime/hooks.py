"""From the settings to hooks that run: what the policy may reach, and with which secrets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version

from gatetrail.clock import Clock
from gatetrail.dispatcher.ledger import Ledger
from gatetrail.errors import SettingsInvalid
from gatetrail.events.stamp import Stamp
from gatetrail.hooks import HookLimits, Hooks, Limits, Outside, Webhooks
from gatetrail.hooks.answers import HookFailure
from gatetrail.hooks.signature import MIN_SECRET_BYTES
from gatetrail.policy.permits import Permits
from gatetrail.redaction import Redaction
from gatetrail.runtime.revealing import found
from gatetrail.settings import HookSettings, Value


def permits_of(settings: HookSettings) -> Permits:
    """What the platform team lets hooks reach."""
    hosts = None if settings.hosts is None else tuple(host.casefold() for host in settings.hosts)
    return Permits(settings.commands, settings.environment, frozenset(settings.secrets), hosts)


def hooks_of(
    settings: HookSettings,
    environment: Mapping[str, str],
    ledger: Ledger,
    redaction: Redaction,
    stamp: Stamp,
    clock: Clock,
) -> Hooks:
    """The hooks of a process; `environment` is ours. To be closed.

    Raises `SettingsInvalid` for a secret that is too short, and for one that is not there now.
    """
    secrets = Secrets(settings.secrets, environment)
    for name in settings.secrets:
        secrets.read(name)
    outside = Outside(
        permits_of(settings),
        environment,
        Webhooks(secrets, settings.tls, version("gatetrail")),
        clock,
        Limits(settings.max_running, settings.max_requests, settings.max_waiting),
    )
    limits = HookLimits(settings.max_waiting, settings.drain_ms / 1000)
    return Hooks(outside, ledger.commit_or_spool, redaction, stamp, clock, limits)


class Secrets:
    """Reads files anew each time, so that they can be exchanged while we run."""

    def __init__(self, values: Mapping[str, Value | tuple[Value, Value]], environment: Mapping[str, str]) -> None:
        self._values = values
        self._environment = environment

    def __call__(self, name: str) -> Sequence[bytes]:
        """Raises `HookFailure`."""
        try:
            return self.read(name)
        except SettingsInvalid:
            raise HookFailure("the secret that signs cannot be read") from None

    def read(self, name: str) -> Sequence[bytes]:
        """Raises `SettingsInvalid`."""
        values = self._values.get(name)
        if values is None:
            raise SettingsInvalid(f"hooks.secrets has no {name!r}")
        both = values if isinstance(values, tuple) else (values,)
        return tuple(self._one(f"hooks.secrets.{name}", value) for value in both)

    def _one(self, where: str, value: Value) -> bytes:
        secret = "".join(found(where, value, self._environment)).encode()
        if len(secret) < MIN_SECRET_BYTES:
            raise SettingsInvalid(f"{where}: has {len(secret)} bytes; expected at least {MIN_SECRET_BYTES} random ones")
        return secret
