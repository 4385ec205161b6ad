"""MCP over streamable HTTP, to somebody else's endpoint."""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
import httpx2
import orjson
from mcp.client.streamable_http import streamable_http_client

from gatetrail.tls import ClientTls, client_context
from gatetrail.upstreams.answers import ANSWER_INVALID, UNAVAILABLE
from gatetrail.upstreams.targets import UrlTarget
from gatetrail.upstreams.way import Way

CONNECT_S = 10.0
GOODBYE_S = 2.0
"""How long the upstream may take to hear that the session ends."""
KEEP_S = 3.0
"""Idle connections are not used again after this long: most servers close theirs after five seconds, without a word."""
MAX_ANSWER_BYTES = 64 << 20
PLAIN = "identity"
"""A packed answer could be a thousand times as long as what was counted of it (RFC 9110, 8.4)."""
UNAUTHORIZED, NOT_FOUND, FIRST_OTHER, FIRST_ERROR = 401, 404, 300, 400
NOT_MCP = "its answer is not valid MCP"


@asynccontextmanager
async def over_http(target: UrlTarget, way: Way) -> AsyncGenerator[Any]:
    """The endpoint's streams. `way` is told why the session cannot go on. Raises OSError for a TLS file."""
    transport = Contained(_transport(target.tls), target.tls, way)
    # Neither proxies nor .netrc of our environment: what is sent, and where, is what the settings say.
    async with (
        httpx2.AsyncClient(
            transport=transport,
            headers={**way.values, "accept-encoding": PLAIN},
            trust_env=False,
            timeout=httpx2.Timeout(None, connect=CONNECT_S, pool=CONNECT_S),
        ) as client,
        streamable_http_client(target.url, http_client=client, max_sse_event_size=MAX_ANSWER_BYTES) as streams,
    ):
        yield streams


def _transport(tls: ClientTls | None) -> httpx2.AsyncBaseTransport:
    verify: ssl.SSLContext | bool = True if tls is None else client_context(tls)
    limits = httpx2.Limits(max_connections=None, keepalive_expiry=KEEP_S)
    return httpx2.AsyncHTTPTransport(verify=verify, trust_env=False, limits=limits)


class Contained(httpx2.AsyncBaseTransport):
    """Turns a failed request into an answer that says so: an exception would end every request of the session."""

    def __init__(self, inner: httpx2.AsyncBaseTransport, tls: ClientTls | None, way: Way) -> None:
        self._inner = inner
        self._server_name = tls.server_name if tls is not None else None
        self._way = way

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if self._server_name is not None:
            request.extensions["sni_hostname"] = self._server_name
        if request.method == "DELETE":
            return await self._goodbye(request)
        try:
            response = await self._inner.handle_async_request(request)
        except httpx2.TransportError as problem:
            return self._failed(request, problem)
        if response.headers.get("content-encoding", PLAIN).lower() != PLAIN:
            await response.aclose()
            return _error(request, UNAVAILABLE, "its answer is packed, which was not asked for")
        return response if request.method != "POST" else await self._answered(request, response)

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def _answered(self, request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        if response.status_code >= FIRST_ERROR:
            return await self._refused(request, response)
        if response.headers.get("content-type", "").lower().startswith("text/event-stream"):
            response.stream = Unbroken(response.stream, request)
            return response
        whole = await self._whole(request, response)
        if whole.status_code >= FIRST_OTHER or _answers(request, whole.content):
            return whole
        return _error(request, ANSWER_INVALID, NOT_MCP)

    async def _goodbye(self, request: httpx2.Request) -> httpx2.Response:
        """Whatever it answers to the end of our session, and however slowly: we are gone."""
        with anyio.move_on_after(GOODBYE_S), suppress(httpx2.TransportError):
            await (await self._inner.handle_async_request(request)).aclose()
        return httpx2.Response(204, request=request)

    async def _refused(self, request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        status = response.status_code
        if status == NOT_FOUND and "mcp-session-id" in request.headers:
            self._way.forget()
            await response.aclose()
            return _error(request, UNAVAILABLE, "it does not know our session any more")
        if status == UNAUTHORIZED:
            self._way.lose("it does not take our credentials (HTTP 401)")
        whole = await self._whole(request, response)
        if _is_an_error(whole.content):
            return whole
        return _error(request, UNAVAILABLE, f"it answered HTTP {status}")

    async def _whole(self, request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        """The response with its body, which is read here so that a break in it is contained as well."""
        body = bytearray()
        try:
            async for chunk in _chunks(response):
                body += chunk
                if len(body) > MAX_ANSWER_BYTES:
                    return _error(request, UNAVAILABLE, f"its answer has more than {MAX_ANSWER_BYTES} bytes")
        except httpx2.TransportError as problem:
            return self._failed(request, problem)
        finally:
            await response.aclose()
        return httpx2.Response(response.status_code, headers=response.headers, content=bytes(body), request=request)

    def _failed(self, request: httpx2.Request, problem: httpx2.TransportError) -> httpx2.Response:
        reason = _reason(problem)
        if isinstance(problem, httpx2.ConnectError | httpx2.ConnectTimeout):
            self._way.lose(reason, str(problem))
        return _error(request, UNAVAILABLE, reason)


class Unbroken(httpx2.AsyncByteStream):
    """An event stream that ends with an error event where its connection breaks."""

    def __init__(self, inner: Any, request: httpx2.Request) -> None:
        self._inner = inner
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._inner:
                yield chunk
        except httpx2.TransportError as problem:
            # The blank lines end what was half sent.
            yield b"\n\nevent: message\ndata: " + _body(self._request, UNAVAILABLE, _reason(problem)) + b"\n\n"

    async def aclose(self) -> None:
        await self._inner.aclose()


async def _chunks(response: httpx2.Response) -> AsyncIterator[bytes]:
    stream: Any = response.stream
    async for chunk in stream:
        yield chunk


def _error(request: httpx2.Request, code: int, message: str) -> httpx2.Response:
    if request.method != "POST":
        # To the SDK: there is no such stream, and no end of a session. It does not complain then.
        return httpx2.Response(405, request=request)
    content = _body(request, code, message)
    return httpx2.Response(503, headers={"content-type": "application/json"}, content=content, request=request)


def _body(request: httpx2.Request, code: int, message: str) -> bytes:
    try:
        request_id: Any = orjson.loads(request.content)["id"]
    except (orjson.JSONDecodeError, httpx2.RequestNotRead, KeyError, TypeError):
        request_id = None
    return orjson.dumps({"jsonrpc": "2.0", "id": request_id, "error": {"code": code, "message": message}})


def _answers(request: httpx2.Request, body: bytes) -> bool:
    """Whether this is an answer to the request. The SDK waits for ever where the id is of another one."""
    try:
        asked: Any = orjson.loads(request.content)
        if "id" not in asked or "method" not in asked:
            return True
        answer: Any = orjson.loads(body)
        return bool(answer["id"] == asked["id"]) and ("result" in answer or "error" in answer)
    except (orjson.JSONDecodeError, httpx2.RequestNotRead, KeyError, TypeError):
        return False


def _is_an_error(body: bytes) -> bool:
    try:
        return isinstance(orjson.loads(body)["error"]["code"], int)
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return False


def _reason(problem: httpx2.TransportError) -> str:
    match problem:
        case httpx2.ConnectTimeout():
            return "it cannot be connected to in time"
        case httpx2.ConnectError():
            return "it cannot be connected to"
        case _:
            return f"its connection broke ({type(problem).__name__})"
