"""A service that is not well, or none at all: what the page gets in place of the real one's answers."""

from __future__ import annotations

import json
from typing import Any

from playwright.async_api import Page, Route

SENTRY_PAGE = "<!doctype html><title>503</title><script>globalThis.hit=1</script><h1>Bad gateway</h1>"
FIRST_SEQ = 10**6
FAR_AWAY = "9" * 12
TRACE = "0" * 32
ODD_KEYS = ("__proto__", "constructor", "toString", "hasOwnProperty")


async def answer(
    page: Page,
    path: str,
    body: str,
    *,
    status: int = 200,
    kind: str = "text/html",
    retry_after: str | None = None,
    once: bool = False,
) -> list[str]:
    """From now on requests of a path get this (if `once` nothing more follows); gives a list that notes them."""
    asked: list[str] = []
    headers = {} if retry_after is None else {"Retry-After": retry_after}

    async def fulfil(route: Route) -> None:
        asked.append(route.request.url)
        if not once or len(asked) == 1:
            await route.fulfill(status=status, body=body, content_type=kind, headers=headers)

    await page.route(path, fulfil)
    return asked


def frames(*events: Any) -> str:
    """Server-Sent Events."""
    numbered = enumerate(events, FIRST_SEQ)
    return "".join(f"id: {seq}\nevent: x\ndata: {json.dumps({**event, 'seq': seq})}\n\n" for seq, event in numbered)


def decided(**changes: Any) -> dict[str, Any]:
    """A denial as the stream brings it."""
    return {
        "event_name": "tool_call.decided",
        "@timestamp": "2030-01-01T00:00:00.000Z",
        "execution_id": "x",
        "decision": "deny",
        "gate": "scope",
        "reason_code": "tier_too_low",
        "reason": "odd",
        "server_name": "desk",
        "tool_name": "odd",
        "user_id": "odd",
        "trace_id": TRACE,
        **changes,
    }
