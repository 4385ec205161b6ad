"""What every address on the net is asked for sooner or later. Events, but no calls."""

from __future__ import annotations

import httpx2

from gatetrail.demo.traffic import Stage

PATHS = (
    "/.env",
    "/.git/config",
    "/phpmyadmin/index.php",
    "/wp-login.php",
    "/%252e%252e/%252e%252e/etc/passwd",
    "/cgi-bin/luci",
)

USER_AGENT = "Mozilla/5.0 (compatible; probe)"
LIMIT_S = 10.0
NOT_FOUND = 404


async def probe(stage: Stage) -> None:
    """Ask for each path once. What comes instead of a 404 is trouble."""
    async with httpx2.AsyncClient(headers={"user-agent": USER_AGENT}, timeout=LIMIT_S) as client:
        for path in PATHS:
            answer = await _answer(client, f"{stage.url}{path}")
            if answer != NOT_FOUND:
                stage.troubles.append(f"GET {path} was answered with {answer}")


async def _answer(client: httpx2.AsyncClient, url: str) -> int | str:
    try:
        return (await client.get(url)).status_code
    except httpx2.HTTPError as problem:
        return f"{type(problem).__name__}: {problem}"
