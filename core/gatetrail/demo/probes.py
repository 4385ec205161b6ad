"""What every address on the net is asked for sooner or later. Events, but no calls."""

from __future__ import annotations

import httpx2

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


async def probe(url: str) -> list[str]:
    """Ask for each path once; what was answered with anything but 404."""
    async with httpx2.AsyncClient(headers={"user-agent": USER_AGENT}, timeout=LIMIT_S) as client:
        answers = [(path, (await client.get(f"{url}{path}")).status_code) for path in PATHS]
    return [f"GET {path} was answered with {status}" for path, status in answers if status != NOT_FOUND]
