"""Answers for those who ask for the service by one of its names."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from http import HTTPStatus
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from gatetrail.service.problems import Problem


class KnownHosts:
    """Pure ASGI: 421 (RFC 9110, section 15.5.20) for whoever asks for this service by a name that is not its own.

    A page behind a rebound name cannot read the answers then. Origin is not looked at: nothing here answers to a page
    of another origin, and what hosted servers do about theirs is up to `transport_security`.
    """

    def __init__(self, app: ASGIApp, names: Iterable[str]) -> None:
        self._app = app
        self._names = known_names(names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if host_in(scope, self._names) is not None:
            await self._app(scope, receive, send)
            return
        host = Headers(scope=scope).get("host", "")
        detail = f"this service is not known as {host[:64]!r}; expected a name that allowed_hosts in service.yaml has"
        await Problem(HTTPStatus.MISDIRECTED_REQUEST, "host_unknown", detail).answer()(scope, receive, send)


def known_names(names: Iterable[str]) -> frozenset[str]:
    """As `host_in` wants them."""
    return frozenset(name.lower() for name in names)


def host_in(scope: Mapping[str, Any], names: Collection[str]) -> str | None:
    """What stands in Host, with its port, when it is one of these names; None otherwise, and when it stands twice."""
    hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
    return hosts[0] if len(hosts) == 1 and _without_port(hosts[0]).lower() in names else None


def _without_port(host: str) -> str:
    name, _, port = host.rpartition(":")
    return name if name and port.isdecimal() else host
