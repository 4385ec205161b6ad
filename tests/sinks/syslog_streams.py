"""Sinks to try, and receivers of streams that a test writes itself."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from gatetrail.tls import ClientTls
from gatetrail_sinks.syslog import SyslogSettings, SyslogSink, TransportKind
from tests.sinks.certificates import Authority

QUICK: dict[str, Any] = {"connect_timeout_ms": 500, "send_timeout_ms": 300}


@asynccontextmanager
async def sink_to(settings: SyslogSettings) -> AsyncGenerator[SyslogSink]:
    sink = SyslogSink("of the test", settings)
    try:
        yield sink
    finally:
        await sink.close()


def local(transport: TransportKind, port: int, **over: Any) -> SyslogSettings:
    return SyslogSettings(host="127.0.0.1", transport=transport, port=port, **{**QUICK, **over})


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def stream_server(handler: Handler, context: ssl.SSLContext | None = None) -> AsyncGenerator[int]:
    """A server on the port that it gives; what the handlers still hold at the end is aborted."""
    held: list[asyncio.StreamWriter] = []
    at_work: list[asyncio.Task[None]] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)
        task = asyncio.current_task()
        assert task is not None
        at_work.append(task)
        await handler(reader, writer)

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in held:
            if not writer.is_closing():
                writer.transport.abort()
        await asyncio.gather(*at_work, return_exceptions=True)
        await half_open()


async def half_open() -> None:
    """Wait until no connection is in its handshake: the server does not know those, and their sockets would stay."""
    greeting = [task for task in asyncio.all_tasks() if "_accept_connection" in str(task.get_coro())]
    if greeting:
        await asyncio.wait(greeting, timeout=2)


async def octet_counted(reader: asyncio.StreamReader) -> bytes:
    """One message, by RFC 6587."""
    length = await reader.readuntil(b" ")
    return await reader.readexactly(int(length))


def server_context(authority: Authority, *, ask_for_certificate: bool = False) -> ssl.SSLContext:
    own = authority.sign("receiver.test")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=authority.ca_file)
    context.load_cert_chain(own.certificate_file, own.key_file)
    if ask_for_certificate:
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def stream_settings(port: int, authority: Authority, *, encrypted: bool) -> SyslogSettings:
    if not encrypted:
        return local(TransportKind.TCP, port)
    return local(TransportKind.TLS, port, tls=ClientTls(ca_file=authority.ca_file))
