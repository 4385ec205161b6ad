"""One connection to a Valkey server that takes for many calls by one script."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Protocol, cast

from pydantic import SecretStr
from valkey.asyncio.connection import Connection, UnixDomainSocketConnection, parse_url
from valkey.exceptions import NoScriptError, ValkeyError

from gatetrail.errors import RateStoreUnavailable, SettingsInvalid
from gatetrail.limits import Taking
from gatetrail.tls import ClientTls, client_context
from gatetrail_sinks.valkey.question import question

SCRIPT = (files("gatetrail_sinks.valkey") / "take.lua").read_bytes()
SHA1 = hashlib.sha1(SCRIPT, usedforsecurity=False).hexdigest()
"""How the server knows the script: nothing depends on nobody finding another one with it."""
CONNECT_LIMIT_S = 2.0


@dataclass(frozen=True, slots=True)
class ValkeyAddress:
    """Where the server is, and who we are to it."""

    url: SecretStr
    """`valkey://[USER:PASSWORD@]HOST[:PORT][/DB]`, `valkeys://…` for TLS, `unix://PATH`."""
    tls: ClientTls | None = None
    """None: for valkeys:// the authorities of the system are believed."""


class TlsConnection(Connection):
    """TLS as everywhere else in our settings."""

    tls = ClientTls()

    def _connection_arguments(self) -> Mapping[str, Any]:
        context: ssl.SSLContext = client_context(self.tls)
        name = self.tls.server_name or self.host
        return {"host": self.host, "port": self.port, "ssl": context, "server_hostname": name}


class Wire(Protocol):
    """What we use of the client's connections, with types."""

    async def connect(self) -> None: ...

    async def send_command(self, *parts: str | bytes | int) -> None: ...

    async def read_response(self) -> object: ...

    async def disconnect(self, nowait: bool = False) -> None: ...  # noqa: FBT001, FBT002 -- as the client has it


def connection_of(address: ValkeyAddress) -> Wire:
    """Not connected yet. Raises `SettingsInvalid`, without the URL, which may hold a password."""
    url = address.url.get_secret_value()
    scheme, _, rest = url.partition("://")
    plain = {"valkey": "valkey", "redis": "valkey", "valkeys": "valkey", "rediss": "valkey", "unix": "unix"}.get(scheme)
    try:
        known: dict[str, Any] = dict(parse_url(f"{plain}://{rest}")) if plain else {}
    except ValueError:
        known = {}
    wanted = known.keys() & ({"path"} if plain == "unix" else {"host"})
    if not wanted or not known.keys() <= {"host", "port", "db", "username", "password", "path"}:
        raise SettingsInvalid(
            "rate_store.url (GATETRAIL_RATE_STORE__URL): cannot be read; expected"
            " valkey://[USER:PASSWORD@]HOST[:PORT][/DB], valkeys:// for TLS, or unix://PATH"
        )
    keywords: dict[str, Any] = {
        **known, "socket_timeout": None, "socket_connect_timeout": CONNECT_LIMIT_S, "client_name": "gatetrail-rates",
    }  # fmt: skip
    if plain == "unix":
        return cast("Wire", UnixDomainSocketConnection(**keywords))
    if scheme.endswith("s"):
        secured = TlsConnection(**keywords)
        secured.tls = address.tls or secured.tls
        return cast("Wire", secured)
    return cast("Wire", Connection(**keywords))


class ScriptConnection:
    """`Ask` over one connection of its own."""

    def __init__(self, address: ValkeyAddress) -> None:
        self._address = address
        self._connection: Wire | None = None
        self._under_way: asyncio.Timeout | None = None
        connection_of(address)  # what cannot be read is told at the start

    async def ask(self, calls: Sequence[Sequence[Taking]]) -> Sequence[int]:
        connection = self._connection
        if connection is None:
            raise RateStoreUnavailable("there is no connection")
        try:
            async with asyncio.timeout(None) as self._under_way:
                return await take(connection, calls)
        except (ValkeyError, OSError) as problem:
            self._connection = None
            await connection.disconnect(nowait=True)
            raise RateStoreUnavailable(type(problem).__name__) from problem
        finally:
            self._under_way = None

    async def connect(self, probe: Taking) -> None:
        """A new connection, once it has taken a token. Raises `RateStoreUnavailable`."""
        self.drop()
        connection = connection_of(self._address)
        try:
            async with asyncio.timeout(CONNECT_LIMIT_S):
                await connection.connect()
                await connection.send_command("SCRIPT", "LOAD", SCRIPT)
                await connection.read_response()
                await take(connection, [[probe]])
        except (ValkeyError, OSError) as problem:
            await connection.disconnect(nowait=True)
            raise RateStoreUnavailable(type(problem).__name__) from problem
        self._connection = connection

    def drop(self) -> None:
        self._connection, connection = None, self._connection
        if self._under_way is not None:
            self._under_way.reschedule(asyncio.get_running_loop().time())
            self._under_way = None
        elif connection is not None:
            self._leaving = asyncio.create_task(connection.disconnect(nowait=True))

    async def close(self) -> None:
        """When nothing is under way any more."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.disconnect()


async def take(connection: Wire, calls: Sequence[Sequence[Taking]], at_s: float | None = None) -> Sequence[int]:
    """The waits. `at_s` goes over the server's clock, for tests."""
    keys, arguments = question(calls, at_s)
    await connection.send_command("EVALSHA", SHA1, len(keys), *keys, *arguments)
    try:
        answer = await connection.read_response()
    except NoScriptError:  # somebody has emptied the server's memory of scripts
        await connection.send_command("EVAL", SCRIPT, len(keys), *keys, *arguments)
        answer = await connection.read_response()
    return cast("Sequence[int]", answer)
