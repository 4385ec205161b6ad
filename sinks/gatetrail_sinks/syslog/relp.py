"""RELP: syslog whose receiver answers for each message.

Every message has a transaction number, at most a window of them is without an answer at a time, and a batch is
delivered when each has its answer 200. What had no answer when a connection ended comes again over the next one.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from gatetrail_sinks.syslog.relp_frames import MAX_TRANSACTION, Frame, FrameReader, ProtocolBroken
from gatetrail_sinks.syslog.transport import (
    CLOSE_LIMIT_S,
    Connect,
    Connection,
    MessageRefused,
    ReceiverGone,
    limited,
)

OFFERS = b"relp_version=0\nrelp_software=gatetrail\ncommands=syslog"
COMMANDS = b"commands="


class Relp:
    """`Transport` with acknowledgement.

    An answer other than 200 does not tell whether the message or the receiver is at fault. It is taken as the
    message's when the receiver has taken another one of the same batch, and from then on for that message, also
    when it comes alone; and else as the receiver's, which is tried again.
    """

    def __init__(self, connect: Connect, connect_timeout_s: float, window: int) -> None:
        self._connect = connect
        self._connect_timeout_s = connect_timeout_s
        self._window = window
        self._session: Session | None = None
        self._blamed: frozenset[bytes] = frozenset()

    async def send(self, messages: Sequence[bytes]) -> None:
        session = await self._open(len(messages))
        try:
            refusals = await session.deliver(messages)
        except BaseException:
            self._abort()
            raise
        if refusals:
            self._judge(messages, refusals)

    async def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            try:
                with suppress(OSError):
                    async with limited(CLOSE_LIMIT_S, "no farewell"):
                        await session.close()
            finally:
                session.connection.abort()

    async def _open(self, commands: int) -> Session:
        if self._session is not None and not self._session.has_numbers_for(commands):
            await self.close()
        if self._session is not None:
            try:
                self._session.connection.require_open()
            except OSError:
                self._abort()
        if self._session is None:
            async with limited(self._connect_timeout_s, "no connection"):
                self._session = await _greeted(await self._connect(), self._window)
        return self._session

    def _abort(self) -> None:
        if self._session is not None:
            self._session.connection.abort()
            self._session = None

    def _judge(self, messages: Sequence[bytes], refusals: dict[int, str]) -> None:
        first = min(refusals)
        if len(refusals) < len(messages):
            self._blamed = frozenset(messages[index] for index in refusals)
        if messages[first] in self._blamed:
            raise MessageRefused(first, f"the receiver answered: {refusals[first]}")
        raise ConnectionError(f"the receiver answered: {refusals[first]}")


class Session:
    """One connection, from its greeting on. Useless after any error."""

    def __init__(self, connection: Connection, window: int) -> None:
        self.connection = connection
        self._window = window
        self._reader = FrameReader()
        self._transaction = 0

    async def greet(self) -> None:
        """Say what we are going to use. Raises OSError when the receiver does not take it."""
        await self.connection.send(self._frame(b"open", OFFERS).encoded())
        answer = await self._one_answer()
        if answer.refusal is not None:
            raise ConnectionError(f"the receiver refused the session: {answer.refusal}")
        commands = [line.removeprefix(COMMANDS) for line in answer.data.split(b"\n") if line.startswith(COMMANDS)]
        if b"syslog" not in b",".join(commands).split(b","):
            raise ProtocolBroken("the receiver does not offer the command syslog")

    async def deliver(self, messages: Sequence[bytes]) -> dict[int, str]:
        """Return when all have their answers: why those were refused that were, by index."""
        unanswered: dict[int, int] = {}
        refusals: dict[int, str] = {}
        sent = 0
        while sent < len(messages) or unanswered:
            room = min(self._window - len(unanswered), len(messages) - sent)
            if room and (len(unanswered) * 2 <= self._window):
                frames = [self._frame(b"syslog", message) for message in messages[sent : sent + room]]
                unanswered.update((frame.transaction, sent + place) for place, frame in enumerate(frames))
                sent += room
                await self.connection.send(b"".join([frame.encoded() for frame in frames]))
            for answer in await self._answers():
                index = unanswered.pop(answer.transaction, None)
                if index is None:
                    raise ProtocolBroken(f"the receiver answered {answer.transaction}, which was not asked")
                if answer.refusal is not None:
                    refusals[index] = answer.refusal
        return refusals

    def has_numbers_for(self, commands: int) -> bool:
        """True when they and a farewell can be sent before the transaction numbers would begin anew.

        By the protocol 1 comes after 999,999,999, but librelp, which checks, goes one further first.
        """
        return self._transaction + commands < MAX_TRANSACTION

    async def close(self) -> None:
        """Say farewell and wait for its answer."""
        await self.connection.send(self._frame(b"close", b"").encoded())
        await self._one_answer()
        await self.connection.close()

    def _frame(self, command: bytes, data: bytes) -> Frame:
        self._transaction += 1
        return Frame(self._transaction, command, data)

    async def _one_answer(self) -> Frame:
        while not (answers := await self._answers()):
            pass
        return answers[0]

    async def _answers(self) -> list[Frame]:
        data = await self.connection.receive()
        if not data:
            raise ReceiverGone
        frames = self._reader.feed(data)
        for frame in frames:
            if frame.transaction == 0 and frame.command == b"serverclose":
                raise ReceiverGone
            if frame.command != b"rsp":
                raise ProtocolBroken(f"the receiver sent the command {frame.command!r} instead of an answer")
        return frames


async def _greeted(connection: Connection, window: int) -> Session:
    session = Session(connection, window)
    try:
        await session.greet()
    except BaseException:
        connection.abort()
        raise
    return session
