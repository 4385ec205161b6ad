"""rsyslogd, reached in every way that it listens."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from gatetrail.delivery.sink import Sink
from gatetrail.events.journal import Entry
from gatetrail.tls import ClientTls
from gatetrail_sinks.syslog import SyslogSettings, SyslogSink, TransportKind
from tests.sinks.rsyslog import Rsyslog


class SyslogPlace:
    def __init__(self, receiver: Rsyslog, settings: SyslogSettings) -> None:
        self.acknowledges = settings.transport is TransportKind.RELP
        self._receiver = receiver
        self._settings = settings

    @property
    def options(self) -> Mapping[str, object]:
        return {"type": "syslog", **self._settings.model_dump(mode="json", exclude_defaults=True)}

    def sink(self, name: str) -> Sink:
        return SyslogSink(name, self._settings)

    async def received(self, at_least: int = 0) -> list[bytes]:
        return await self._receiver.lines(at_least)

    async def die(self) -> None:
        await self._receiver.kill()

    async def come_back(self) -> None:
        await self._receiver.start()

    def poison(self, entry: Entry) -> Entry | None:
        return Entry(entry.seq, entry.event_name, entry.line + b"\n")

    async def close(self) -> None:
        await self._receiver.kill()


def settings_for(receiver: Rsyslog, transport: TransportKind, *, encrypted: bool = False) -> SyslogSettings:
    """What a sink has to be told to reach the receiver in this way."""
    tls = ClientTls(ca_file=receiver.authority.ca_file, server_name="receiver.test") if encrypted else None
    ports = {
        TransportKind.UDP: receiver.udp_port,
        TransportKind.TCP: receiver.tcp_port,
        TransportKind.TLS: receiver.tls_port,
        TransportKind.RELP: receiver.relp_tls_port if encrypted else receiver.relp_port,
    }
    return SyslogSettings(host="127.0.0.1", transport=transport, port=ports[transport], tls=tls)


def syslog_place(transport: TransportKind, *, encrypted: bool = False) -> Callable[[Path], Awaitable[SyslogPlace]]:
    async def ready(folder: Path) -> SyslogPlace:
        receiver = Rsyslog(folder)
        await receiver.start()
        return SyslogPlace(receiver, settings_for(receiver, transport, encrypted=encrypted))

    return ready
