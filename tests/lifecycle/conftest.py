"""A service of the test's own server, started, ended and started again as a person or a service manager would."""

from __future__ import annotations

import re
import socket
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx2
import pytest
import yaml
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from gatetrail.service.listening import url_of
from tests.cli.conftest import WITHIN_S, Gatetrail, Running, gatetrail, offline

__all__ = ["gatetrail", "offline"]

SERVER = """
import os
import anyio
from mcp.server import MCPServer

server = MCPServer("own")

@server.tool()
async def nap(seconds: float) -> str:
    await anyio.sleep(seconds)
    return "rested"

@server.tool()
def who() -> str:
    return str(os.getpid())
"""
POLICY = """
servers: {own: {tier: user, conceal: false}}
rate_limits: {base_per_s: {mcp: 100000}}
"""
SYSTEMD_SHIM = ("sh", "-c", 'export LISTEN_PID=$$; exec "$@"', "sh")
"""sd_listen_fds(3) wants the process id of the very process, which only exists when it does."""

Mode = str
MODES = ("legacy", "auto")
"""Of the official client: the handshake era, and the newest that both sides know."""


@dataclass
class House:
    """A folder with settings, and what is started on them."""

    gatetrail: Gatetrail

    def settle(self, **settings: object) -> None:
        """Write server, policy and settings."""
        folder = self.gatetrail.folder
        (folder / "mine.py").write_text(SERVER)
        (folder / "policy.yaml").write_text(POLICY)
        content = {"servers": {"own": {"python": "mine:server"}}, "policy": "policy.yaml", **settings}
        (folder / "service.yaml").write_text(yaml.safe_dump(content))

    def serve(
        self,
        *arguments: str,
        listener: socket.socket | None = None,
        by_systemd: bool = False,
        by: Sequence[str] = (),
    ) -> Running:
        """Start it on a port of its own, or on a socket that stays open when it ends; if need be through `by`."""
        command = ("serve", "--config", "service.yaml", *arguments)
        if listener is None:
            return self.gatetrail.start(*command, "--port", "0", by=by)
        if not by_systemd:
            descriptor = listener.fileno()
            return self.gatetrail.start(*command, pass_fds=(descriptor,), GATETRAIL_LISTEN_FD=str(descriptor))
        assert listener.fileno() == 3, "systemd's sockets begin there"
        return self.gatetrail.start(*command, pass_fds=(3,), by=SYSTEMD_SHIM, LISTEN_FDS="1")

    def token(self, user: str = "ann") -> str:
        arguments = ("token", "mint", "--user", user, "--tier", "user", "--config", "service.yaml")
        return self.gatetrail(*arguments).out.strip()


def is_up(service: Running) -> str:
    """Its address, as soon as it answers."""
    lines = service.err.wait_for(lambda lines: any(line.startswith("A token for a caller:") for line in lines))
    found = re.search(r"Listening on (http://\S+)", "\n".join(lines))
    assert found is not None
    return found[1]


@asynccontextmanager
async def client(url: str, bearer: str, mode: Mode) -> AsyncGenerator[Client]:
    """The official client, connected to the test's own server."""
    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {bearer}"}, timeout=WITHIN_S) as http,
        Client(streamable_http_client(f"{url}/mcp/own", http_client=http), mode=mode) as one,
    ):
        yield one


async def called(one: Client, tool: str, **arguments: object) -> str:
    """The text of the answer."""
    result = await one.call_tool(tool, arguments)
    text = getattr(result.content[0], "text", "")
    assert not result.is_error, text
    return str(text)


@pytest.fixture
def house(gatetrail: Gatetrail) -> House:
    return House(gatetrail)


@pytest.fixture
def listener() -> Iterator[tuple[socket.socket, str]]:
    """A socket that a parent holds open, and its address."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        yield held, url_of(held)
