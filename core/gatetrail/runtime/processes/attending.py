"""One process that answers: gate, hosted servers and HTTP on a socket; ended in the opposite order."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any

from gatetrail.runtime.application import open_application
from gatetrail.runtime.background import in_background
from gatetrail.runtime.collector import settle
from gatetrail.runtime.gatetrail import Gatetrail
from gatetrail.runtime.hosted import hosted_servers
from gatetrail.runtime.processes.attendance import Attendance, Talk
from gatetrail.runtime.processes.hang_up import on_hang_up
from gatetrail.runtime.processes.notify import READY, STOPPING
from gatetrail.service.hosts import allowed_names, is_loopback
from gatetrail.service.mounting import path_of
from gatetrail.service.serving import serving


async def attend(attendance: Attendance) -> None:
    """Answer until cancelled. Each step of the end is told once.

    Raises what `Gatetrail.open`, `open_application` and `serving` raise.
    """
    settings, talk, notifier = attendance.settings, attendance.talk, attendance.notifier
    names = allowed_names(settings.host, settings.allowed_hosts)
    servers = hosted_servers(settings)
    async with AsyncExitStack() as stack:
        in_background(stack, notifier.stay_awake(), "gatetrail watchdog")
        gate = await stack.enter_async_context(
            Gatetrail.open(settings=settings, sinks=attendance.sinks, tell=talk.step)
        )
        app = await stack.enter_async_context(open_application(gate, settings, servers, allowed_hosts=names))
        running = serving(
            app,
            listener=attendance.listener,
            grace_s=settings.grace_s,
            stream_stalled_s=settings.stream.stalled_s,
            place=attendance.place,
            tell=talk.step,
        )
        url = await stack.enter_async_context(running)
        settle()
        _announce(gate, servers, url, talk)
        if not is_loopback(settings.host):
            talk.warn(_beyond_loopback(settings.host, names))
        if attendance.reloads:
            on_hang_up(stack, gate.live_policy.hang_up)
        notifier.tell(READY, status=f"listening on {url}")
        try:
            await asyncio.Event().wait()
        finally:
            notifier.tell(STOPPING, f"EXTEND_TIMEOUT_USEC={attendance.ending_s * 1_000_000:.0f}", status="ending")


def _announce(gate: Gatetrail, servers: Mapping[str, Any], url: str, talk: Talk) -> None:
    talk.say(f"Listening on {url} under policy {gate.policy.version} ({gate.policy.source})")
    if (tried := gate.dispatcher.gates.shadow_policy) is not None:
        talk.say(f"Decided beside it and only recorded: policy {tried.version} ({tried.source})")
    for name in servers:
        known = "" if name in gate.policy.document.servers else "   (the policy does not know it: every call is denied)"
        talk.say(f"  {url}{path_of(name)}{known}")
    talk.say(f"A token for a caller:  {talk.mint_hint}")
    talk.say(f"Dashboard:  {url}/   (sign in with a token; one with --role auditor sees everything)")


def _beyond_loopback(host: str, names: tuple[str, ...]) -> str:
    return (
        f"listening on {host}, which other machines can reach: tokens travel in the clear, so put TLS in front."
        f" Requests are answered for the host names {', '.join(names)}; name others with allowed_hosts in service.yaml"
    )
