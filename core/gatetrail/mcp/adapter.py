"""The one thing that the composition root holds of this package."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from mcp.server.lowlevel import Server
from mcp.server.mcpserver import MCPServer
from starlette.types import ASGIApp, Scope

from gatetrail.clock import IdMaker
from gatetrail.dispatcher import Dispatcher
from gatetrail.errors import ServerNotSupported
from gatetrail.events.stamp import Stamp
from gatetrail.identity.bearer import TokenVerifier
from gatetrail.identity.caller import Anonymous, Caller, Refused
from gatetrail.identity.lease import Holds
from gatetrail.identity.proxies.verifier import ProxyVerifier
from gatetrail.identity.standing import Standing
from gatetrail.mcp.announcements import Announcements
from gatetrail.mcp.bearer import TOKEN_MISSING, Bearer
from gatetrail.mcp.door import Door
from gatetrail.mcp.hosts.find import host_of
from gatetrail.mcp.identity import IdentityLayer
from gatetrail.mcp.install import install
from gatetrail.mcp.installation import Installation
from gatetrail.mcp.resumable import SessionLimits
from gatetrail.mcp.state_keys import seal_state
from gatetrail.policy.model import Policy
from gatetrail.policy.showing import lists_changed
from gatetrail.redaction import Redactor


class FastMCPServer(Protocol):
    """A `fastmcp.FastMCP`, as far as a type can tell without its package."""

    def http_app(self, *args: Any, **kwargs: Any) -> Any: ...

    async def call_tool(self, *args: Any, **kwargs: Any) -> Any: ...


SupportedServer = MCPServer[Any] | Server[Any] | FastMCPServer
"""What the gate can be put into."""

_LIMITS = SessionLimits()


class Adapter:
    """Puts the gate into MCP servers. One for a process; each server gets an installation of its own."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        verifier: TokenVerifier,
        stamp: Stamp,
        ids: IdMaker,
        standing: Standing | None = None,
        *,
        limits: SessionLimits = _LIMITS,
        state_keys: Sequence[bytes] = (),
        proxies: ProxyVerifier | None = None,
    ) -> None:
        """With `state_keys`, servers seal what clients bring back with the first, and open what any has sealed.

        Without `proxies` nobody may vouch for others.
        """
        self._dispatcher = dispatcher
        self._limits = limits
        self._state_keys = state_keys
        self._ids = ids
        self._bearer = Bearer(verifier, dispatcher, standing, proxies)
        self._door = Door(dispatcher, self._bearer, stamp, ids)
        self._announcements = Announcements()

    def install(self, server: SupportedServer, *, name: str, local_caller: Caller | None = None) -> None:
        """Put the gate into a server, under the name by which the policy knows it.

        From then on every handler is gated, whenever it was or will be registered; calls from Python
        are gated too; and every HTTP application that the server makes has the identity layer in front.
        `local_caller` is who calls when nothing on a wire can tell; anonymous when left out.
        Raises `ServerNotSupported`, also for a server that has a gate already.
        """
        host = host_of(server)
        caller = Anonymous() if local_caller is None else local_caller
        installation = Installation(name, host, self._dispatcher, self._bearer, self._ids, caller)
        if not install(installation, self._door, self._limits):
            raise ServerNotSupported(f"the server {name!r} has a gate already; install it once")
        self._announcements.enter(installation)
        if self._state_keys:
            seal_state(host.low, self._state_keys, name)

    def policy_changed(self, before: Policy, after: Policy) -> None:
        """Another policy is in force: clients to whom lists may look different now are going to be told."""
        self._announcements.add(lists_changed(before.document, after.document))

    async def announce_changes(self, *, again: bool) -> None:
        """Tell clients of changed lists, until cancelled; `again` where other processes serve the same clients."""
        await self._announcements.run(again=again)

    def identity(self, app: ASGIApp, *, problems: bool = False) -> ASGIApp:
        """The identity layer in front of any ASGI application that serves MCP, or with `problems` something else."""
        return IdentityLayer(app, door=self._door, problems=problems)

    async def caller_in(self, scope: Scope) -> Caller:
        """Whom the identity layer has found, as the session allows that the proof names. Raises `Unavailable`."""
        return await self._dispatcher.sessions.bind(Bearer.caller_in(scope) or TOKEN_MISSING, None)

    def proven_in(self, scope: Scope) -> Caller:
        """Whom the identity layer has found, apart from any session."""
        return Bearer.caller_in(scope) or TOKEN_MISSING

    def holds_in(self, scope: Scope) -> Holds:
        """Whether what was proven for a request holds still, to be asked for as long as its answer goes on."""
        return self._bearer.holds_in(scope)

    async def report_refused(self, scope: Scope, refused: Refused) -> bool:
        """Record that somebody was refused who had come through the identity layer.

        False: so many without an identity came from the same address that it counts as a scan, and was recorded so.
        """
        return await self._door.report_beyond(scope, refused)

    @property
    def redactor(self) -> Redactor:
        """Of the policy in force."""
        return self._dispatcher.redactor
