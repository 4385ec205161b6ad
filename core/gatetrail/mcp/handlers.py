"""What stands around every handler of a server: the decision before it, the filter after it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

from mcp.shared.exceptions import MCPError
from mcp_types import PromptReference

from gatetrail.call import Call, Kind
from gatetrail.dispatcher import Denied
from gatetrail.errors import Unavailable
from gatetrail.identity.caller import Caller
from gatetrail.mcp import answers
from gatetrail.mcp.calls import Asked, Context, scope_of
from gatetrail.mcp.installation import Installation, tool_error
from gatetrail.mcp.listings import LISTINGS, Listing, Page, items_of, kept, private

Handler = Callable[[Context, Any], Awaitable[Any]]

OPEN_METHODS = frozenset({"ping", "server/discover", "logging/setLevel", "resources/unsubscribe"})
"""They reach no data: scanner and rate apply, and only denials are recorded."""


def gated(installation: Installation, method: str, handler: Handler) -> Handler:
    """The handler with the gate around it, by what its method reaches."""
    if method in NAMED:
        return _named(installation, handler, NAMED[method])
    if method in LISTINGS:
        return _listed(installation, handler, LISTINGS[method])
    if method == "subscriptions/listen":
        return _listening(installation, handler)
    if method in OPEN_METHODS:
        return _open(installation, handler)
    return _custom(installation, handler)


def gated_notification(installation: Installation, method: str, handler: Handler, *, standard: bool) -> Handler:
    """A notification's handler; a denied notification is dropped, as there is nobody to answer."""
    kind = Kind.LISTING if standard else Kind.METHOD

    async def handle(context: Context, params: Any) -> Any:
        call = installation.call_of(context, Asked(kind, method, {}))
        if await installation.dispatcher.check(call, await installation.caller_of(context)) is None:
            await handler(context, params)

    return handle


async def gate_initialize(installation: Installation, context: Context) -> None:
    """Decide on a handshake, which has no handler, and bind the new session to who opens it. Raises `MCPError`."""
    call = installation.call_of(context, Asked(Kind.LISTING, context.method, {}))
    await installation.check(call, await installation.caller_of(context))


def _named(installation: Installation, handler: Handler, asked_of: Callable[[Any], Asked]) -> Handler:
    """One tool, resource or prompt: a call with a row of its own."""
    host = installation.host

    async def handle(context: Context, params: Any) -> Any:
        asked = asked_of(params)
        caller = await installation.caller_of(context)
        name = await host.resolve(asked.kind, asked.name, context)
        resolved = Asked(asked.kind, name or asked.name, asked.arguments, known=name is not None)
        call = installation.call_of(context, resolved)

        async def body() -> Any:
            return await handler(context, params)

        try:
            return private(await installation.through(call, caller, body, tool_error, asked.name))
        except answers.UnknownThing:
            if call.known:
                await host.level(asked.kind, context)
            raise
        except MCPError as problem:
            # Servers have two more ways to say that a resource does not exist.
            if call.kind is Kind.RESOURCE and answers.says_not_found(problem):
                raise answers.unknown(call, asked.name) from problem
            raise

    return handle


def _listed(installation: Installation, handler: Handler, listing: Listing) -> Handler:
    async def handle(context: Context, params: Any) -> Any:
        caller = await installation.caller_of(context)
        call = installation.call_of(context, Asked(Kind.LISTING, listing.method, {}))
        pages: list[Page] = []

        async def names() -> Sequence[str]:
            page = cast("Page", await handler(context, params))
            pages.append(page)
            found = [listing.name_of(item) for item in items_of(listing, page)]
            installation.host.learn(listing.kind, found)
            return found

        if asks_for_a_schema(context):
            shown = await _shown_quietly(installation, call, caller, await names(), listing.kind)
            return kept(listing, pages[0], shown.__contains__)
        listed = await installation.dispatcher.listing(call, caller, names, listing.kind)
        if isinstance(listed, Denied):
            raise answers.denied(call, listed)
        return kept(listing, pages[0], listed.__contains__)

    return handle


def asks_for_a_schema(context: Context) -> bool:
    """True for the list that the SDK itself asks for, before a tool call, to look up the tool's schema.

    In that case the request's own header names another method; a client cannot make it do so, because
    the SDK refuses requests whose header and body disagree.
    """
    if context.method != "tools/list":
        return False
    headers = scope_of(context).get("headers", ())
    return any(name == b"mcp-method" and value == b"tools/call" for name, value in headers)


async def _shown_quietly(
    installation: Installation, call: Call, caller: Caller, names: Sequence[str], kind: Kind
) -> frozenset[str]:
    """What the caller may see, without an event and a token: the call that this is for has its own."""
    dispatcher = installation.dispatcher
    try:
        bound = await dispatcher.sessions.bind(caller, call.ids.session_id)
    except Unavailable:
        return frozenset()
    return frozenset(name for name in names if dispatcher.gates.visible(bound, installation.name, kind, name))


def _listening(installation: Installation, handler: Handler) -> Handler:
    """A stream of changes: opened for those resources that the caller may see."""

    async def handle(context: Context, params: Any) -> Any:
        call = installation.call_of(context, Asked(Kind.LISTING, context.method, {}))
        wanted = params.notifications
        uris: Sequence[str] = wanted.resource_subscriptions or ()

        async def names() -> Sequence[str]:
            return uris

        caller = await installation.caller_of(context)
        shown = await installation.dispatcher.listing(call, caller, names, Kind.RESOURCE)
        if isinstance(shown, Denied):
            raise answers.denied(call, shown)
        visible = [uri for uri in uris if uri in shown] or None
        narrowed = wanted.model_copy(update={"resource_subscriptions": visible})
        return await handler(context, params.model_copy(update={"notifications": narrowed}))

    return handle


def _open(installation: Installation, handler: Handler) -> Handler:
    async def handle(context: Context, params: Any) -> Any:
        call = installation.call_of(context, Asked(Kind.LISTING, context.method, {}))
        await installation.check(call, await installation.caller_of(context))
        return await handler(context, params)

    return handle


def _custom(installation: Installation, handler: Handler) -> Handler:
    """A method that the specification does not know: denied unless the policy names it."""

    async def handle(context: Context, params: Any) -> Any:
        call = installation.call_of(context, Asked(Kind.METHOD, context.method, context.params or {}))

        async def body() -> Any:
            return await handler(context, params)

        return await installation.through(call, await installation.caller_of(context), body, tool_error)

    return handle


def _tool(params: Any) -> Asked:
    return Asked(Kind.TOOL, params.name, params.arguments or {})


def _prompt(params: Any) -> Asked:
    return Asked(Kind.PROMPT, params.name, params.arguments or {})


def _resource(params: Any) -> Asked:
    return Asked(Kind.RESOURCE, str(params.uri), {})


def _completed(params: Any) -> Asked:
    arguments = {params.argument.name: params.argument.value}
    if isinstance(params.ref, PromptReference):
        return Asked(Kind.PROMPT, params.ref.name, arguments)
    return Asked(Kind.RESOURCE, params.ref.uri, arguments)


NAMED: dict[str, Callable[[Any], Asked]] = {
    "tools/call": _tool,
    "prompts/get": _prompt,
    "resources/read": _resource,
    "resources/subscribe": _resource,
    "completion/complete": _completed,
}
"""The methods that reach one named thing, and how their parameters name it."""
