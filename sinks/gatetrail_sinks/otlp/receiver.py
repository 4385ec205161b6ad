"""The connection to a receiver of OTLP over HTTP: one request at a time, one answer each."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from contextlib import aclosing, suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import httpx2

from gatetrail.errors import SinkUnavailable
from gatetrail.resolver import Resolver
from gatetrail.tls import ClientTls, client_context
from gatetrail_sinks.otlp.settings import Compression, OtlpSettings, checked_header

MAX_ANSWER_BYTES = 65_536
MAX_HEADERS_FILE_BYTES = 65_536
LONGEST_PAUSE_S = 60.0
"""A `Retry-After` beyond this is asked again earlier: a receiver that says so may be back long before."""
CLOSE_LIMIT_S = 1.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `content_type` is in lower case, without parameters."""

    status: int
    content_type: str
    body: bytes
    retry_after_s: float

    @property
    def succeeded(self) -> bool:
        """True for a status from 200 to 299; a redirect is none, since nothing is at its other end yet."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES


class Receiver:
    """Posts bodies to the endpoint. Files for TLS are read when the connection is made, those of headers each time.

    Neither proxies nor certificates are taken from the environment. Used by one task.
    """

    def __init__(self, settings: OtlpSettings, content_type: str) -> None:
        self._settings = settings
        self._tls = settings.tls or ClientTls()
        self._extensions = {"sni_hostname": self._tls.server_name} if self._tls.server_name else {}
        self._own_headers = {"content-type": content_type, "accept-encoding": "identity"}
        if settings.compression is Compression.GZIP:
            self._own_headers["content-encoding"] = "gzip"
        self._url = httpx2.URL(settings.endpoint)
        self._resolver = Resolver()
        self._secrets: list[str] = []
        self._client: httpx2.AsyncClient | None = None

    async def post(self, body: bytes) -> Answer:
        """Send one request. Raises `SinkUnavailable` when there is no answer, or none that can be read, in time."""
        limit_s = self._settings.timeout_ms / 1000
        try:
            headers = await asyncio.to_thread(self._headers)
            async with asyncio.timeout(limit_s):
                client = await self._connected()
                url, extensions = self._settings.endpoint, self._extensions
                async with client.stream("POST", url, content=body, headers=headers, extensions=extensions) as response:
                    return await self._answer(response)
        except TimeoutError as problem:
            await self.close()
            raise SinkUnavailable(f"{self._settings.endpoint} did not answer within {limit_s:g} s") from problem
        except (OSError, httpx2.HTTPError) as problem:
            await self.close()
            raise SinkUnavailable(f"{self._settings.endpoint}: {_explained(problem)}") from problem

    async def close(self) -> None:
        """Let go of the connection; the next request makes another."""
        client, self._client = self._client, None
        if client is not None:
            with suppress(TimeoutError, OSError, httpx2.HTTPError):
                async with asyncio.timeout(CLOSE_LIMIT_S):
                    await client.aclose()

    def without_secrets(self, text: str) -> str:
        """What a receiver says, on one line, without the values of our headers, which it may repeat."""
        for value in self._secrets:
            text = text.replace(value, "***")
        return "".join(sign if sign.isprintable() else " " for sign in text).strip()

    async def _connected(self) -> httpx2.AsyncClient:
        if self._client is None:
            # The client looks the name up itself, on a thread that all share: not while the resolver hangs.
            port = self._url.port or (443 if self._settings.uses_tls else 80)
            await self._resolver.addresses(self._url.host, port, socket.SOCK_STREAM)
            self._client = httpx2.AsyncClient(
                verify=await asyncio.to_thread(client_context, self._tls) if self._settings.uses_tls else False,
                timeout=None,  # the whole exchange has one limit, which a trickle cannot stretch
                limits=httpx2.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=30.0),
                trust_env=False,
            )
        return self._client

    async def _answer(self, response: httpx2.Response) -> Answer:
        body = b""
        async with aclosing(response.aiter_raw()) as parts:
            async for part in parts:
                body += part
                if len(body) > MAX_ANSWER_BYTES:
                    raise httpx2.DecodingError(f"the answer has more than {MAX_ANSWER_BYTES} bytes")
        return Answer(
            status=response.status_code,
            content_type=response.headers.get("content-type", "").partition(";")[0].strip().lower(),
            body=body,
            retry_after_s=_pause_s(response.headers.get("retry-after", "")),
        )

    def _headers(self) -> dict[str, str]:
        headers = {name.lower(): value.get_secret_value() for name, value in self._settings.headers.items()}
        if self._settings.headers_file is not None:
            headers |= _headers_of(self._settings.headers_file)
        self._secrets = sorted(headers.values(), key=len, reverse=True)
        return headers | self._own_headers


def _headers_of(file: Path) -> dict[str, str]:
    """Raises OSError, also for a line that is no header; its text never holds a value."""
    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_HEADERS_FILE_BYTES + 1)
    except OSError as problem:
        raise OSError(f"headers_file {file}: {problem.strerror}") from problem
    if len(content) > MAX_HEADERS_FILE_BYTES:
        raise OSError(f"headers_file {file} has more than {MAX_HEADERS_FILE_BYTES} bytes")
    headers: dict[str, str] = {}
    for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), 1):
        if not line.strip():
            continue
        name, _, value = (part.strip() for part in line.partition(":"))
        try:
            checked_header(name, value)
        except ValueError as problem:
            raise OSError(f"headers_file {file}:{number}: {problem}; expected `name: value`") from None
        headers[name.lower()] = value
    return headers


def _pause_s(text: str) -> float:
    """Of `Retry-After` in seconds; its other form, a date, would need clocks that agree."""
    return min(float(text), LONGEST_PAUSE_S) if text.isdecimal() else 0.0


def _explained(problem: Exception) -> str:
    """What the operating system said, which the client's own errors only carry as their cause."""
    if isinstance(problem, OSError):
        return problem.strerror or str(problem)
    text, cause = str(problem), problem.__cause__
    while cause is not None:
        if isinstance(cause, ssl.SSLError | socket.gaierror):  # their numbers are not the operating system's
            text = cause.strerror or str(cause)
        elif isinstance(cause, OSError) and cause.errno:
            text = os.strerror(cause.errno)
        cause = cause.__cause__ or cause.__context__
    return text or type(problem).__name__
