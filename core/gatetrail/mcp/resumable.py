"""Putting sessions that outlive their process into an application that a server has made."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import signature
from typing import Any, cast

from mcp.server.streamable_http_manager import (
    DEFAULT_MAX_SESSIONS,
    DEFAULT_SESSION_IDLE_TIMEOUT,
    StreamableHTTPSessionManager,
)
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette

from gatetrail.mcp.installation import Installation
from gatetrail.mcp.resuming import ResumingSessionManager


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """What counts where the host says nothing else to the server that makes the application.

    To say what is the SDK's own default is to say nothing: `MCPServer` passes it on in any case.
    """

    idle_s: float = 1_800.0
    """After so long without a call a session leaves memory; the next call brings it back."""
    in_memory: int = 10_000

    def over(self, make: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments for `make`, with these where it takes them and is not given others."""
        takes = signature(make).parameters
        given = signature(make).bind_partial(*args, **kwargs).arguments
        own = {
            "session_idle_timeout": (self.idle_s, DEFAULT_SESSION_IDLE_TIMEOUT),
            "max_sessions": (self.in_memory, DEFAULT_MAX_SESSIONS),
        }
        unsaid = {
            name: value
            for name, (value, default) in own.items()
            if name in takes and (name not in given or (name in kwargs and kwargs[name] == default))
        }
        return {**kwargs, **unsaid}


def make_resumable(
    app: Starlette, installation: Installation, limits: SessionLimits, given: Mapping[str, Any]
) -> ResumingSessionManager | None:
    """Have an application of streamable HTTP serve the sessions in the store; `given` is what it was made with.

    None, and nothing done, for one without sessions, and for a FastMCP with an event store, which is of one process.
    """
    endpoint = _endpoint_of(app)
    if endpoint is None:
        return None
    found = endpoint.session_manager or _fastmcp_manager(installation, limits, given)
    if found is None or found.stateless:
        return None
    sessions = installation.dispatcher.sessions
    manager = ResumingSessionManager.instead_of(found, sessions, installation.name, installation.announcer)
    endpoint.session_manager = manager
    if vars(installation.host.low).get("_session_manager") is found:
        vars(installation.host.low)["_session_manager"] = manager
    app.router.lifespan_context = lambda _app: manager.run()
    return manager


def _endpoint_of(app: Starlette) -> Any:
    """Where the SDK or FastMCP keep the manager: what the route leads to, or what its demand for a token leads to."""
    for route in app.routes:
        endpoint: Any = getattr(route, "endpoint", None)
        for one in (endpoint, getattr(endpoint, "app", None)):
            if type(one).__name__ == "StreamableHTTPASGIApp":
                return one
    return None


def _fastmcp_manager(
    installation: Installation, limits: SessionLimits, given: Mapping[str, Any]
) -> StreamableHTTPSessionManager | None:
    """As FastMCP would make it when its application starts, which is too late."""
    settings: Any = getattr(sys.modules.get("fastmcp"), "settings", None)
    if settings is None or given.get("event_store") is not None:
        return None

    def chosen(name: str) -> bool:
        value: bool | None = given.get(name)
        return bool(getattr(settings, name)) if value is None else value

    idle_s = given.get("session_idle_timeout")
    return StreamableHTTPSessionManager(
        installation.host.low,
        json_response=chosen("json_response"),
        stateless=chosen("stateless_http"),
        retry_interval=given.get("retry_interval"),
        session_idle_timeout=limits.idle_s if idle_s == "auto" else cast("float | None", idle_s),
        max_sessions=limits.in_memory,
        # FastMCP looks at Host and Origin in a layer of its own.
        security_settings=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )
