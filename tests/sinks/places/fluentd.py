"""A Fluentd receiver in the clear, and one with everything that keeps strangers out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import SecretStr

from gatetrail.delivery.sink import Sink
from gatetrail.events.journal import Entry
from gatetrail.tls import ClientTls
from gatetrail_sinks.fluentd import FluentdReceiver, FluentdSettings, FluentdSink
from tests.sinks.certificates import Authority
from tests.sinks.fluentd_server import PASSWORD, SHARED_KEY, USER, FluentdServer


class FluentdPlace:
    acknowledges = True

    def __init__(self, server: FluentdServer, settings: FluentdSettings) -> None:
        self._server = server
        self._settings = settings

    @property
    def options(self) -> Mapping[str, object]:
        plain = self._settings.model_dump(mode="json", exclude_defaults=True, exclude={"shared_key", "password"})
        secrets = {"shared_key": SHARED_KEY, "password": PASSWORD} if self._settings.has_shared_key else {}
        return {"type": "fluentd", **plain, **secrets}

    def sink(self, name: str) -> Sink:
        return FluentdSink(name, self._settings)

    async def received(self, at_least: int = 0) -> list[bytes]:
        return await self._server.records(at_least)

    async def die(self) -> None:
        await self._server.kill()

    async def come_back(self) -> None:
        await self._server.start()

    def poison(self, entry: Entry) -> Entry | None:
        return Entry(entry.seq, entry.event_name, entry.line[:-1])

    async def close(self) -> None:
        await self._server.kill()


async def plain_fluentd(folder: Path) -> FluentdPlace:
    server = FluentdServer(folder)
    await server.start()
    return FluentdPlace(server, FluentdSettings(receivers=(FluentdReceiver(host=server.host, port=server.port),)))


async def secured_fluentd(folder: Path) -> FluentdPlace:
    """With TLS, shared key and user."""
    authority = Authority(folder)
    server = FluentdServer(
        folder, certificate=authority.sign("receiver.test"), shared_key=SHARED_KEY, users={USER: PASSWORD}
    )
    await server.start()
    settings = FluentdSettings(
        receivers=(FluentdReceiver(host=server.host, port=server.port),),
        tls=ClientTls(ca_file=authority.ca_file),
        shared_key=SecretStr(SHARED_KEY),
        user=USER,
        password=SecretStr(PASSWORD),
    )
    return FluentdPlace(server, settings)
