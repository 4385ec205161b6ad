"""The standing stream of an MCP endpoint, which a client may ask for with GET."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_NO_STREAM = {400, 404}
BODY = b'{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"no stream here; use POST"}}'


class StandingStream:
    """Answers 405 to a GET for which there is no stream: without a session, or with one that is gone.

    405 is the specification's word for it (MCP 2025-11-25, streamable HTTP, listening for messages), and clients go
    on without the stream. A 404 makes some of them give up a connection that works.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        replaced = False

        async def sending(message: Message) -> None:
            nonlocal replaced
            if message["type"] == "http.response.start" and message["status"] in _NO_STREAM:
                replaced = True
                await _no_stream(send)
            if not replaced:
                await send(message)

        await self._app(scope, receive, sending)


async def _no_stream(send: Send) -> None:
    headers = [
        (b"allow", b"POST, DELETE"),
        (b"content-type", b"application/json"),
        (b"content-length", str(len(BODY)).encode()),
    ]
    await send({"type": "http.response.start", "status": 405, "headers": headers})
    await send({"type": "http.response.body", "body": BODY})
