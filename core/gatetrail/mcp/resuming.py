"""MCP sessions of the handshake era that outlive the process that opened them."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Protocol, cast, runtime_checkable

import anyio
from anyio.abc import TaskStatus
from mcp.server.auth.middleware.bearer_auth import AuthorizationContext
from mcp.server.connection import Connection
from mcp.server.lowlevel import Server
from mcp.server.runner import serve_connection
from mcp.server.streamable_http import StreamableHTTPServerTransport
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.shared.jsonrpc_dispatcher import JSONRPCDispatcher
from mcp.shared.transport_context import TransportContext
from mcp_types import InitializeRequestParams
from pydantic import ValidationError
from starlette.types import Message, Receive, Scope, Send

from gatetrail.errors import Unavailable
from gatetrail.identity.caller import Anonymous, Authenticated
from gatetrail.mcp import refusals
from gatetrail.mcp.bearer import Bearer
from gatetrail.mcp.headers import seen_in
from gatetrail.sessions import Session, Sessions
from gatetrail.sessions.taking_up import TAKING_UP_KEY, TakingUp

log = logging.getLogger("gatetrail.mcp")

ENDED_BY_CLIENT = "the client ended it"


@runtime_checkable
class TellsItsConnections(Protocol):
    """A server that keeps count of its clients' connections."""

    def took_up(self, connection: Connection) -> None:
        """A session goes on in this process; its client has shaken hands long ago."""
        ...


@dataclass(frozen=True, slots=True)
class _Resumable:
    """A session that its caller may go on with, and all that this takes."""

    session: Session
    protocol_version: str
    said: InitializeRequestParams

    def connection(self, dispatcher: JSONRPCDispatcher[TransportContext]) -> Connection:
        """As it was when both sides had shaken hands."""
        connection = Connection.for_loop(
            dispatcher, session_id=self.session.session_id, protocol_version_hint=self.protocol_version
        )
        connection.client_params = self.said
        connection.initialized.set()
        return connection


class ResumingSessionManager(StreamableHTTPSessionManager):
    """Goes on with any session that stands in the store, for whom it belongs to.

    It leans on private parts of the SDK 2.3, whose version is checked when the gate is put into a server.
    """

    def __init__(
        self, app: Server[Any], sessions: Sessions, server_name: str, counts: TellsItsConnections, **options: Any
    ) -> None:
        super().__init__(app, **options)
        self._sessions = sessions
        self._server_name = server_name
        self._counts = counts

    @classmethod
    def instead_of(
        cls,
        manager: StreamableHTTPSessionManager,
        sessions: Sessions,
        server_name: str,
        counts: TellsItsConnections,
    ) -> ResumingSessionManager:
        """One with the options of the SDK's own, which must not have run. `counts` hears of each session taken up."""
        return cls(
            manager.app,
            sessions,
            server_name,
            counts,
            event_store=manager.event_store,
            json_response=manager.json_response,
            stateless=manager.stateless,
            security_settings=manager.security_settings,
            retry_interval=manager.retry_interval,
            session_idle_timeout=manager.session_idle_timeout,
            max_request_body_size=manager.max_request_body_size,
            max_sessions=manager.max_sessions,
        )

    @property
    def held(self) -> int:
        """Sessions in the memory of this process."""
        return len(self._server_instances)

    @asynccontextmanager
    async def run(self) -> AsyncGenerator[None]:
        self._sessions.when_ended.append(self._drop)
        try:
            async with super().run():
                yield
        finally:
            self._sessions.when_ended.remove(self._drop)

    async def _handle_stateful_request(self, scope: Scope, receive: Receive, send: Send) -> None:
        session_id = seen_in(scope).session_id
        if session_id is not None and not self._holds(session_id):
            try:
                if not await self._taken_up(session_id, scope):
                    return
            except Unavailable:
                await refusals.session_not_reached().send(send)
                return
        if session_id is not None and scope["method"] == "DELETE":
            send = self._ending(send, session_id)
        await super()._handle_stateful_request(scope, receive, send)

    def _holds(self, session_id: str) -> bool:
        """Whether it is in memory, and not just leaving that."""
        transport = self._server_instances.get(session_id)
        if transport is None:
            return False
        if transport.is_terminated or (transport.idle_scope is not None and transport.idle_scope.cancel_called):
            self._drop(session_id)
            return False
        return True

    async def _taken_up(self, session_id: str, scope: Scope) -> bool:
        """Rebuild a session that is in the store and not here, if it is this caller's.

        False: it is for another process to answer. Raises `Unavailable`.
        """
        session = await self._own(session_id, scope)
        if session is None:
            return True
        async with self._session_creation_lock:
            # It may have come, or ended, while others had the lock.
            if self._holds(session_id) or self._sessions.has_ended(session_id):
                return True
            self._make_room()
            if self._is_full():
                raise Unavailable("as many sessions as memory may hold have calls in flight")
            taking_up = scope.get(TAKING_UP_KEY)
            if isinstance(taking_up, TakingUp) and not taking_up.may():
                return False
            await self._reopen(session)
        await self._sessions.tell_resumed(session.session)
        return True

    async def _own(self, session_id: str, scope: Scope) -> _Resumable | None:
        caller = Bearer.caller_in(scope)
        if not isinstance(caller, Authenticated | Anonymous):
            return None
        session = await self._sessions.find(session_id, caller)
        if session is None or session.refusal_of(caller) is not None:
            return None
        handshake = session.handshake
        if handshake is None or handshake.server_name != self._server_name:
            return None
        try:
            said = InitializeRequestParams.model_validate_json(handshake.initialize, by_name=False)
        except ValidationError:
            log.warning("a session cannot be taken up: what the store has of its handshake is none")
            return None
        return _Resumable(session, handshake.protocol_version, said)

    async def _reopen(self, resumable: _Resumable) -> None:
        session = resumable.session
        transport = StreamableHTTPServerTransport(
            mcp_session_id=session.session_id,
            is_json_response_enabled=self.json_response,
            event_store=self.event_store,
            security_settings=self.security_settings,
            retry_interval=self.retry_interval,
            idle_timeout=self.session_idle_timeout,
        )
        owner = _owner_of(session)
        if owner is not None:
            self._session_owners[session.session_id] = owner
        self._server_instances[session.session_id] = transport
        assert self._task_group is not None  # noqa: S101 -- a request is being served, so it runs
        try:
            await self._task_group.start(self._serve, transport, resumable)
        except BaseException:  # nobody would answer what is asked of it
            self._drop(session.session_id)
            raise

    async def _serve(
        self,
        transport: StreamableHTTPServerTransport,
        resumable: _Resumable,
        *,
        task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED,
    ) -> None:
        async with transport.connect() as (read_stream, write_stream):
            dispatcher: JSONRPCDispatcher[TransportContext] = JSONRPCDispatcher(
                read_stream, write_stream, inline_methods=frozenset({"initialize"})
            )
            connection = resumable.connection(dispatcher)
            if isinstance(self.app, TellsItsConnections):
                self.app.took_up(connection)
            self._counts.took_up(connection)
            task_status.started()
            try:
                with transport.idle_scope or anyio.CancelScope():
                    await serve_connection(
                        self.app, dispatcher, connection=connection, lifespan_state=self._lifespan_state
                    )
            except Exception:  # as the SDK does it: one session is no reason to end the others
                log.exception("a resumed session crashed")
            finally:
                await self._discard_session(resumable.session.session_id, transport)

    def _admit_session(self, requestor: AuthorizationContext | None) -> StreamableHTTPServerTransport | None:
        self._make_room()
        return super()._admit_session(requestor)

    def _make_room(self) -> None:
        """Where memory is full, whoever has been idle for longest leaves it; nobody, when all have calls in flight."""
        if not self._is_full():
            return
        idle = [(deadline, name) for name, one in self._server_instances.items() if (deadline := _ends_at(one))]
        if idle:
            self._drop(min(idle)[1])

    def _is_full(self) -> bool:
        return self.max_sessions is not None and len(self._server_instances) >= self.max_sessions

    def _drop(self, session_id: str) -> None:
        """Let go of a session's memory now; its streams are closed a moment later."""
        transport = self._server_instances.pop(session_id, None)
        self._session_owners.pop(session_id, None)
        if transport is not None and self._task_group is not None:
            self._task_group.start_soon(self._discard_session, session_id, transport)

    async def _discard_session(self, session_id: str, transport: StreamableHTTPServerTransport) -> None:
        """Only what is meant: a session of the same id may have been taken up anew meanwhile."""
        if self._server_instances.get(session_id) is transport:
            await super()._discard_session(session_id, transport)
        elif not transport.is_terminated:
            with anyio.CancelScope(shield=True):
                await transport.terminate()

    def _ending(self, send: Send, session_id: str) -> Send:
        """A client that hears that its session is over never finds it open again."""
        replaced = False

        async def ended_first(message: Message) -> None:
            nonlocal replaced
            if message["type"] == "http.response.start" and message["status"] < HTTPStatus.MULTIPLE_CHOICES:
                try:
                    await self._sessions.end(session_id, ENDED_BY_CLIENT)
                except Unavailable:
                    replaced = True
                    await refusals.session_not_recorded().send(send)
            if not replaced:
                await send(message)

        return ended_first


def _owner_of(session: Session) -> AuthorizationContext | None:
    """In the SDK's words, as `Bearer.user_of` has them; None for a session without an identity."""
    if session.user_id is None:
        return None
    client_id = session.client_id or session.user_id
    return AuthorizationContext(client_id=client_id, issuer=session.issuer, subject=session.user_id)


def _ends_at(transport: StreamableHTTPServerTransport) -> float:
    """When its idle time is over; 0 while something is in flight, or when it has none."""
    in_flight = cast("int", getattr(transport, "_requests_in_flight"))  # noqa: B009 -- no public form in 2.3
    return 0.0 if in_flight or transport.idle_scope is None else transport.idle_scope.deadline
