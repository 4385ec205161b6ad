"""The gate in one server: who asks, what is decided, what runs then."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, assert_never

from gatetrail.call import Call, Ids, Kind, Origin
from gatetrail.clock import IdMaker
from gatetrail.dispatcher import Denied, Dispatcher, Finished, TimedOut
from gatetrail.identity.caller import Caller
from gatetrail.mcp import answers
from gatetrail.mcp.announcer import Announcer
from gatetrail.mcp.bearer import Bearer
from gatetrail.mcp.calls import Asked, Context, call_of, new_trace, scope_of
from gatetrail.mcp.hosts.host import Body, Host
from gatetrail.mcp.listings import part_of
from gatetrail.mcp.permit import CALLER, FLIGHT, Flight, Permit, has_permit, take_permit
from gatetrail.mcp.spans import current_trace

IN_PROCESS_METHODS = {Kind.TOOL: "tools/call", Kind.RESOURCE: "resources/read", Kind.PROMPT: "prompts/get"}


class Installation:
    """One server's gate. Decides nothing itself: it asks the dispatcher and answers in the words of MCP."""

    def __init__(
        self, name: str, host: Host, dispatcher: Dispatcher, bearer: Bearer, ids: IdMaker, local_caller: Caller
    ) -> None:
        self.name = name
        self.host = host
        self.dispatcher = dispatcher
        self._bearer = bearer
        self._ids = ids
        self._local_caller = local_caller

    @cached_property
    def announcer(self) -> Announcer:
        """Who tells this server's clients of changed lists; to be asked for before the handlers are gated."""
        return Announcer(self.host.low)

    async def caller_of(self, context: Context) -> Caller:
        """Who sent this message: by the identity layer, else by its own header, else the local caller."""
        scope = scope_of(context)
        if not scope:
            return self.ambient_caller()
        return self._bearer.caller_in(scope) or await self._bearer.caller_of(scope)

    def ambient_caller(self) -> Caller:
        """Who is behind a call that came over no wire of its own."""
        return self._bearer.in_standing(CALLER.get() or self._local_caller)

    def call_of(self, context: Context, asked: Asked) -> Call:
        """The call of one message."""
        return call_of(context, self.name, asked, self._ids)

    async def through(
        self, call: Call, caller: Caller, body: Body, judge: Callable[[Any], str | None], asked_name: str | None = None
    ) -> Any:
        """Decide, run under a permit, record; raises `MCPError` for everything but a result of the handler.

        `asked_name` is what the client said, where the policy knows the thing by another name.
        """

        async def permitted() -> Any:
            flight = FLIGHT.set(Flight(call, caller, Permit(self, call.kind, call.tool_name)))
            asker = CALLER.set(caller)
            try:
                return await body()
            finally:
                CALLER.reset(asker)
                FLIGHT.reset(flight)

        outcome = await self.dispatcher.dispatch(call, caller, permitted, judge)
        match outcome:
            case Finished():
                return outcome.result
            case Denied():
                raise answers.denied(call, outcome, asked_name)
            case TimedOut():
                raise answers.timed_out(call, outcome)
            case _:
                assert_never(outcome)

    async def check(self, call: Call, caller: Caller) -> None:
        """Decide on something that runs no tool; raises `MCPError` for a denial."""
        denial = await self.dispatcher.check(call, caller)
        if denial is not None:
            raise answers.denied(call, denial)

    def open_for(self, kind: Kind, name: str) -> bool:
        return has_permit(self, kind, name)

    def take(self, kind: Kind, name: str) -> bool:
        return take_permit(self, kind, name)

    async def run(self, kind: Kind, name: str, arguments: Mapping[str, Any], body: Body) -> Any:
        async def taking() -> Any:
            take_permit(self, kind, name)
            return await body()

        return await self.admit(kind, name, arguments, taking)

    async def admit(self, kind: Kind, name: str, arguments: Mapping[str, Any], body: Body) -> Any:
        flight = FLIGHT.get()
        caller = self._bearer.in_standing(flight.caller) if flight is not None else self.ambient_caller()
        return await self.through(self._nested_call(kind, name, arguments, flight), caller, body, tool_error)

    def _nested_call(self, kind: Kind, name: str, arguments: Mapping[str, Any], flight: Flight | None) -> Call:
        """A call from Python; inside another call it keeps that one's trace, session and origin."""
        return Call(
            server_name=self.name,
            tool_name=name,
            ids=flight.call.ids if flight else self._new_ids(),
            kind=kind,
            method=IN_PROCESS_METHODS[kind],
            arguments=arguments,
            origin=flight.call.origin if flight else Origin(),
        )

    def _new_ids(self) -> Ids:
        trace_id, span_id = current_trace() or (new_trace(self._ids), None)
        return Ids(trace_id=trace_id, span_id=span_id)


def tool_error(result: Any) -> str | None:
    """The error class of a result by which a tool reports its own failure; None for every other result."""
    return "tool_error" if part_of(result, "is_error", "isError") else None
