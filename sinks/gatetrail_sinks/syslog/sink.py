"""Brings events to one syslog receiver."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Sequence
from typing import assert_never

from gatetrail.errors import EventRefused, SinkUnavailable
from gatetrail.events.journal import Entry
from gatetrail.events.outgoing import Outgoing, Render, native, prepared
from gatetrail.resolver import Resolver
from gatetrail.tls import ClientTls, client_context
from gatetrail_sinks.syslog import socket_connection
from gatetrail_sinks.syslog.message import Formatter
from gatetrail_sinks.syslog.relp import Relp
from gatetrail_sinks.syslog.settings import SyslogSettings, TransportKind
from gatetrail_sinks.syslog.tcp import OctetCounted
from gatetrail_sinks.syslog.tls import TlsConnection
from gatetrail_sinks.syslog.transport import Connect, Connection, MessageRefused, Transport
from gatetrail_sinks.syslog.udp import Datagrams

FORMAT_AT_ONCE = 100
"""Messages that are made before others get a turn, about a millisecond's worth."""


class SyslogSink:
    """`Sink` that sends each event as one RFC 5424 message. What it can lose is told in this package's docstring.

    With RELP, `write` returns when the receiver has answered for each event; with TCP and TLS when the operating
    system has taken all bytes and no farewell of the receiver was there; with UDP when the datagrams are sent.
    Connects when it has to; certificates are read anew for each connection. Raises `SinkUnavailable` for all that
    keeps the receiver from being reached or from answering. Refuses what `Formatter.message` cannot make, what no
    datagram holds, and what a RELP receiver refuses while it takes others.
    """

    def __init__(self, name: str, settings: SyslogSettings, render: Render = native) -> None:
        self._name = name
        self._where = f"syslog receiver {settings.host}:{settings.actual_port} ({settings.transport})"
        self._formatter = Formatter(settings, settings.hostname or socket.gethostname(), render)
        self._transport = make_transport(settings)
        self._closed = False

    @property
    def name(self) -> str:
        return self._name

    async def write(self, entries: Sequence[Entry]) -> None:
        if self._closed:
            raise SinkUnavailable(f"the syslog sink {self._name} is closed")
        outgoing = await self._prepared(entries)
        if outgoing.ready:
            try:
                await self._transport.send(outgoing.ready)
            except MessageRefused as refused:
                seq = entries[refused.index].seq
                raise EventRefused(seq, f"event {seq} cannot be sent to {self._where}: {refused}") from refused
            except OSError as problem:
                raise SinkUnavailable(f"{self._where}: {explained(problem)}") from problem
        if outgoing.refusal is not None:
            raise outgoing.refusal

    async def close(self) -> None:
        self._closed = True
        await self._transport.close()

    async def _prepared(self, entries: Sequence[Entry]) -> Outgoing[bytes]:
        ready: list[bytes] = []
        for start in range(0, len(entries), FORMAT_AT_ONCE):
            part = prepared(entries[start : start + FORMAT_AT_ONCE], self._formatter.message)
            ready += part.ready
            if part.refusal is not None:
                return Outgoing(ready, part.refusal)
            await asyncio.sleep(0)
        return Outgoing(ready, None)


def make_transport(settings: SyslogSettings) -> Transport:
    """The way that the settings ask for; nothing is connected yet."""
    connect_timeout_s = settings.connect_timeout_ms / 1000
    match settings.transport:
        case TransportKind.UDP:
            send_timeout_s = settings.send_timeout_ms / 1000
            return Datagrams(settings.host, settings.actual_port, connect_timeout_s, send_timeout_s)
        case TransportKind.TCP:
            return OctetCounted(_connector(settings, None), connect_timeout_s)
        case TransportKind.TLS:
            return OctetCounted(_connector(settings, settings.tls or ClientTls()), connect_timeout_s)
        case TransportKind.RELP:
            return Relp(_connector(settings, settings.tls), connect_timeout_s, settings.relp_window)
        case _:
            assert_never(settings.transport)


def explained(problem: OSError) -> str:
    """The system's or OpenSSL's words, without Python's decoration."""
    if isinstance(problem, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted: {problem.verify_message}"
    if isinstance(problem, ssl.SSLError):
        return f"TLS failed: {(problem.reason or str(problem)).replace('_', ' ').lower()}"
    if isinstance(problem, ConnectionError) and problem.errno is not None:
        return os.strerror(problem.errno)  # asyncio puts words of its own there
    return problem.strerror or str(problem) or type(problem).__name__


def _connector(settings: SyslogSettings, tls: ClientTls | None) -> Connect:
    resolver = Resolver()

    async def connect() -> Connection:
        context = None if tls is None else await asyncio.to_thread(client_context, tls)
        plain = await socket_connection.connect(
            resolver,
            settings.host,
            settings.actual_port,
            connect_timeout_s=settings.connect_timeout_ms / 1000,
            send_timeout_s=settings.send_timeout_ms / 1000,
        )
        if tls is None or context is None:
            return plain
        try:
            encrypted = TlsConnection(plain, context, tls.server_name or settings.host)
            await encrypted.greet()
        except BaseException:
            plain.abort()
            raise
        return encrypted

    return connect
