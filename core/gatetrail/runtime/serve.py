"""The service, put together: socket, gate, hosted servers, HTTP; ended in the opposite order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from gatetrail.runtime.application import open_application
from gatetrail.runtime.collector import settle
from gatetrail.runtime.gatetrail import Gatetrail
from gatetrail.runtime.hosted import hosted_servers
from gatetrail.service.hosts import allowed_names, is_loopback
from gatetrail.service.listening import listen
from gatetrail.service.mounting import path_of
from gatetrail.service.serving import serving
from gatetrail.settings import ServiceSettings

Say = Callable[[str], None]


async def serve(settings: ServiceSettings, *, sinks: bool, say: Say, warn: Say, mint_hint: str) -> None:
    """Serve until cancelled. `say` and `warn` get what a person has to know, `mint_hint` is the command for a token.

    At the end: nothing new is accepted, calls in flight finish, followers drain, the journal closes, and an embedded
    server stops. Raises what `Gatetrail.open`, `create_app` and `serving` raise; a taken port before anything starts.
    """
    names = allowed_names(settings.host, settings.allowed_hosts)
    with listen(settings.host, settings.port) as listener:
        servers = hosted_servers(settings)
        async with (
            Gatetrail.open(settings=settings, sinks=sinks) as gate,
            open_application(gate, settings, servers, allowed_hosts=names) as app,
            serving(app, listener=listener, stream_stalled_s=settings.stream.stalled_s) as url,
        ):
            settle()
            _announce(gate, servers, url, say, mint_hint)
            if not is_loopback(settings.host):
                warn(_beyond_loopback(settings.host, names))
            try:
                await asyncio.Event().wait()
            finally:
                say("Ending: calls in flight finish, then sinks and journal.")


def _announce(gate: Gatetrail, servers: Mapping[str, Any], url: str, say: Say, mint_hint: str) -> None:
    say(f"Listening on {url} under policy {gate.policy.version} ({gate.policy.source})")
    for name in servers:
        known = "" if name in gate.policy.document.servers else "   (the policy does not know it: every call is denied)"
        say(f"  {url}{path_of(name)}{known}")
    say(f"A token for a caller:  {mint_hint}")


def _beyond_loopback(host: str, names: tuple[str, ...]) -> str:
    return (
        f"listening on {host}, which other machines can reach: tokens travel in the clear, so put TLS in front."
        f" Requests are answered for the host names {', '.join(names)}; name others with allowed_hosts in service.yaml"
    )
