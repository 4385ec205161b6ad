"""A hook's POST: a signed body, and an answer by HTTP status and JSON."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx2

from gatetrail.hooks.answers import MAX_ANSWER_BYTES, Answer, HookFailure, answer_of_status, failure_of_status
from gatetrail.hooks.signature import HEADER, sign
from gatetrail.policy.hooks import Hook, HookWebhook
from gatetrail.tls import ClientTls, client_context

KEEP_S = 3.0
"""Idle connections are not used again after this long: most servers close theirs after five seconds, without a word."""
PLAIN = "identity"
"""A packed answer could be a thousand times as long as what was counted of it (RFC 9110, 8.4)."""

Secrets = Callable[[str], Sequence[bytes]]
"""The secrets of a name, the newest first. Raises `HookFailure`."""


@dataclass(frozen=True, slots=True)
class Post:
    """One try."""

    hook: Hook
    body: bytes
    event_id: str
    now_s: int


class Webhooks:
    """The client of one process. Closed at the end."""

    def __init__(self, secrets: Secrets, tls: ClientTls | None, product_version: str) -> None:
        self._secrets = secrets
        self._tls = tls
        self._agent = f"Gatetrail/{product_version}"
        self._client: httpx2.AsyncClient | None = None

    async def ask(self, webhook: HookWebhook, post: Post) -> Answer:
        """Send, and read the answer. Raises `HookFailure`."""
        return answer_of_status(*await self._send(webhook, post))

    async def tell(self, webhook: HookWebhook, post: Post) -> None:
        """Send; any status from 200 to 299 will do. Raises `HookFailure`."""
        status, _ = await self._send(webhook, post)
        if not 200 <= status < 300:  # noqa: PLR2004
            raise failure_of_status(status)

    async def close(self) -> None:
        """Close the connections. Not to be used any more."""
        if self._client is not None:
            await self._client.aclose()

    async def _send(self, webhook: HookWebhook, post: Post) -> tuple[int, bytes]:
        headers = self._headers(webhook, post)
        try:
            sending = self._opened().stream("POST", webhook.url, content=post.body, headers=headers)
            async with sending as response:
                return response.status_code, await _body(response)
        except httpx2.HTTPError as problem:
            raise HookFailure(f"it cannot be reached: {type(problem).__name__}", may_pass=True) from problem
        except (OSError, httpx2.InvalidURL) as problem:
            raise HookFailure(f"it cannot be reached: {type(problem).__name__}") from problem

    def _headers(self, webhook: HookWebhook, post: Post) -> Mapping[str, str]:
        own = {
            "Content-Type": "application/json",
            "Accept-Encoding": PLAIN,
            "User-Agent": self._agent,
            "Idempotency-Key": post.event_id,
            "Gatetrail-Hook": post.hook.id,
            "Gatetrail-Event": post.hook.event.value,
        }
        signed = {HEADER: sign(post.body, self._secrets(webhook.secret), post.now_s)} if webhook.secret else {}
        return {**webhook.headers, **own, **signed}

    def _opened(self) -> httpx2.AsyncClient:
        if self._client is None:
            verify: ssl.SSLContext | bool = True if self._tls is None else client_context(self._tls)
            # Neither proxies nor .netrc of our environment, nor cookies of a receiver: what is sent, and where, is what
            # the policy says.
            self._client = httpx2.AsyncClient(
                verify=verify,
                trust_env=False,
                follow_redirects=False,
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
                timeout=None,
                limits=httpx2.Limits(max_connections=None, keepalive_expiry=KEEP_S),
            )
        return self._client


async def _body(response: httpx2.Response) -> bytes:
    if response.headers.get("content-encoding", PLAIN).lower() != PLAIN:
        raise HookFailure("its answer is packed, which was not asked for")
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise HookFailure(f"its answer has more than {MAX_ANSWER_BYTES} bytes")
    return bytes(body)
