"""Keys that outlive a process for what a server seals and a client brings back (`requestState`, MCP 2026-07-28)."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any
from weakref import WeakSet

from mcp.server.lowlevel import Server
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity

_OF_ONE_PROCESS: WeakSet[RequestStateSecurity] = WeakSet()


@contextmanager
def noting_keys_of_one_process() -> Generator[None]:
    """Servers that are made in this block and choose no key of their own are known by that later.

    There is no other way to tell: a random key looks like any. Only what is noted here is ever replaced.
    """
    made = vars(RequestStateSecurity)["ephemeral"]

    def ephemeral(kind: type[Any], /, **options: Any) -> RequestStateSecurity:
        security: RequestStateSecurity = made.__get__(None, kind)(**options)
        _OF_ONE_PROCESS.add(security)
        return security

    setattr(RequestStateSecurity, "ephemeral", classmethod(ephemeral))  # noqa: B010 -- a method cannot be assigned
    try:
        yield
    finally:
        setattr(RequestStateSecurity, "ephemeral", made)  # noqa: B010


def seal_state(low: Server[Any], keys: Sequence[bytes], server_name: str) -> bool:
    """Give a server keys that its other processes have as well, unless its author has chosen some; True when given.

    The first seals, each opens. What one server has sealed is of no use to another.
    """
    for layer in low.middleware:
        if isinstance(layer, RequestStateBoundary):
            security: object = vars(layer).get("_security")
            if security in _OF_ONE_PROCESS and isinstance(security, RequestStateSecurity):
                audience = f"gatetrail:{server_name}"
                shared = RequestStateSecurity(
                    keys=keys, ttl=security.ttl, bind_principal=security.bind_principal, audience=audience
                )
                RequestStateBoundary.__init__(layer, shared, default_audience=audience)
                return True
    return False
