"""What is left of a long answer when none of the layers that led to it is needed any more."""

from __future__ import annotations

from typing import Protocol, cast

from starlette.types import Receive, Scope, Send

REST_KEY = "gatetrail.rest"
"""Where the outermost layer finds it in the scope."""


class Rest(Protocol):
    """An answer whose start has been sent. Exactly one of the two is called."""

    async def send(self, receive: Receive, send: Send) -> None:
        """Send the rest, to the end."""
        ...

    def drop(self) -> None:
        """Let go of everything; nothing more can be sent."""
        ...


async def leave_to_outermost(rest: Rest, scope: Scope, receive: Receive, send: Send) -> None:
    """Have the outermost layer send the rest, so that routing, identity and all other layers are through with it.

    They would keep some ten kilobytes for as long as an event stream lasts. Where nobody waits for it, it is sent here.
    """
    waiting = cast("list[Rest] | None", scope.get(REST_KEY))
    if waiting is None:
        await rest.send(receive, send)
    else:
        waiting.append(rest)
