"""Where the gate is fastened in a server. Everything here acts on one server object, never on a class."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from inspect import signature
from typing import Any, cast

from mcp.server.context import CallNext, HandlerResult
from mcp.server.lowlevel.server import HandlerEntry
from mcp_types.methods import SPEC_CLIENT_NOTIFICATION_METHODS
from starlette.applications import Starlette

from gatetrail.call import Kind
from gatetrail.mcp.announcer import Announcer
from gatetrail.mcp.calls import Context
from gatetrail.mcp.door import Door
from gatetrail.mcp.handlers import Handler, gate_initialize, gated, gated_notification
from gatetrail.mcp.identity import IdentityLayer
from gatetrail.mcp.installation import Installation
from gatetrail.mcp.opening import note_handshake
from gatetrail.mcp.resumable import SessionLimits, make_resumable

Entry = HandlerEntry[Any]
LookUp = Callable[[str], Entry | None]

_MARK = "_gatetrail_installation"


def install(installation: Installation, door: Door, limits: SessionLimits) -> bool:
    """Fasten the gate; False, and nothing done, when the server has one."""
    low = installation.host.low
    if _MARK in vars(low):
        return False
    vars(low)[_MARK] = installation
    announcer = installation.announcer
    _gate_requests(installation)
    _gate_notifications(installation)
    _scope_schema_look_up(installation)
    _gate_handshake(installation, announcer)
    installation.host.guard(installation)
    for owner, factory in installation.host.app_factories:
        _front(owner, factory, installation, door, limits)
    return True


def _gate_requests(installation: Installation) -> None:
    """On the look-up, not on the registration: no way of registering a handler, now or later, leads past it."""
    low = installation.host.low
    vars(low)["get_request_handler"] = _gating_look_up(
        low.get_request_handler, lambda method, handler: gated(installation, method, handler)
    )


def _gate_notifications(installation: Installation) -> None:
    low = installation.host.low

    def gate(method: str, handler: Handler) -> Handler:
        standard = method in SPEC_CLIENT_NOTIFICATION_METHODS
        return gated_notification(installation, method, handler, standard=standard)

    vars(low)["get_notification_handler"] = _gating_look_up(low.get_notification_handler, gate)


def _gating_look_up(look_up: LookUp, gate: Callable[[str, Handler], Handler]) -> LookUp:
    made: dict[str, tuple[Entry, Entry]] = {}

    def gated_look_up(method: str) -> Entry | None:
        entry = look_up(method)
        if entry is None:
            return None
        known = made.get(method)
        if known is None or known[0] is not entry:
            handler = gate(method, cast("Handler", entry.handler))
            known = made[method] = (entry, HandlerEntry(entry.params_type, handler))
        return known[1]

    return gated_look_up


def _scope_schema_look_up(installation: Installation) -> None:
    """The SDK asks for a tool's schema before any handler; a hidden tool has none for who may not see it."""
    low = installation.host.low
    look_up = low.get_tool_input_schema
    if look_up is None:
        return

    def scoped(name: str) -> Mapping[str, Any] | None:
        caller = installation.ambient_caller()
        gates = installation.dispatcher.gates
        return look_up(name) if gates.visible(caller, installation.name, Kind.TOOL, name) else None

    low.get_tool_input_schema = scoped


def _gate_handshake(installation: Installation, announcer: Announcer) -> None:
    """`initialize` has no handler, so a middleware stands before it; it protects no data, and sees who is there."""

    async def handshake(ctx: Context, call_next: CallNext) -> HandlerResult:
        announcer.note(ctx)
        if ctx.method != "initialize":
            return await call_next(ctx)
        await gate_initialize(installation, ctx)
        result = await call_next(ctx)
        note_handshake(ctx, result, installation.name, installation.dispatcher.redactor)
        return result

    installation.host.low.middleware.insert(0, handshake)


def _front(owner: object, factory: str, installation: Installation, door: Door, limits: SessionLimits) -> None:
    """Have the applications that a server makes come with the identity layer, and with sessions that outlive them."""
    make = getattr(owner, factory)

    @wraps(make)
    def fronted(*args: Any, **kwargs: Any) -> Any:
        if factory != "sse_app":
            kwargs = limits.over(make, args, kwargs)
        app: Starlette = make(*args, **kwargs)
        sse = factory == "sse_app" or getattr(app.state, "transport_type", None) == "sse"
        if not sse:
            make_resumable(app, installation, limits, signature(make).bind(*args, **kwargs).arguments)
        app.add_middleware(IdentityLayer, door=door, server_name=installation.name, sse=sse)
        return app

    vars(owner)[factory] = fronted
