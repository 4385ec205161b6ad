"""Each event a log record; a batch is acknowledged when the receiver has taken every record of it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING

from gatetrail.errors import EventRefused, SettingsInvalid, SinkUnavailable
from gatetrail.events.journal import Entry
from gatetrail.events.outgoing import Render, native, prepared
from gatetrail.formats.otel import otel_record
from gatetrail_sinks.otlp.receiver import Answer, Receiver
from gatetrail_sinks.otlp.settings import Compression, OtlpSettings

if TYPE_CHECKING:
    from gatetrail_sinks.otlp.messages import Letter

log = logging.getLogger(__name__)

REFUSALS = frozenset((HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY))
"""Statuses that speak of what was sent, not of the receiver: fewer events may pass."""
LONGEST_WORD = 300
"""Characters of what a receiver says that go into a message."""

HINTS: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: "; are the credentials in `headers` right?",
    HTTPStatus.FORBIDDEN: "; are the credentials in `headers` right?",
    HTTPStatus.NOT_FOUND: "; the path is usually /v1/logs",
    HTTPStatus.METHOD_NOT_ALLOWED: "; the path is usually /v1/logs",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "; it has to take protobuf, and gzip if `compression` says so",
}


class OtlpSink:
    """`Sink` that posts batches as OTLP protobuf over HTTP (OTLP 1.10), one request at a time.

    Acknowledged is what an answer of success covers whose `partial_success` rejects nothing. When records are
    rejected, or the request as a whole is (400, 413, 422), the batch is halved until the first event that is
    refused stands alone: those before it are delivered, some of them more than once, which readers see by
    `log.record.uid`. A receiver that refuses even an empty request takes nothing from anybody: that is
    `SinkUnavailable`, as are all other answers; a `Retry-After` in seconds is kept to.

    The body is the event's message, or the text that `render` makes where it is not the native one; the
    attributes are the same in both cases. Raises `SettingsInvalid` when the extra `otlp` is not installed.
    """

    def __init__(
        self,
        name: str,
        settings: OtlpSettings,
        render: Render = native,
        *,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        try:
            from gatetrail_sinks.otlp import messages
        except ImportError as problem:
            raise SettingsInvalid(
                f"sinks.{name}: a sink of type otlp needs a package that is not installed ({problem.name}); "
                "install it with: pip install 'gatetrail[otlp]'"
            ) from problem
        self._name = name
        self._messages = messages
        self._receiver = Receiver(settings, messages.CONTENT_TYPE)
        self._endpoint = settings.endpoint
        self._packed = settings.compression is Compression.GZIP
        self._render = render
        self._now_ns = now_ns
        self._not_before_s = 0.0
        self._last_word = ""
        self._closed = False

    @property
    def name(self) -> str:
        return self._name

    async def write(self, entries: Sequence[Entry]) -> None:
        if self._closed:
            raise SinkUnavailable(f"the otlp sink {self._name} is closed")
        pause_s = self._not_before_s - asyncio.get_running_loop().time()
        if pause_s > 0:
            raise SinkUnavailable(f"{self._endpoint} asked to be left alone for {pause_s:.0f} s more")
        outgoing = await asyncio.to_thread(prepared, entries, self._letter)
        await self._deliver(outgoing.ready)
        if outgoing.refusal is not None:
            raise outgoing.refusal

    async def close(self) -> None:
        self._closed = True
        await self._receiver.close()

    def _letter(self, entry: Entry) -> Letter:
        body = None if self._render is native else self._render(entry).decode()
        return self._messages.letter(entry.seq, otel_record(entry.line, body), self._now_ns())

    async def _deliver(self, letters: Sequence[Letter]) -> None:
        if not letters:
            return
        refusal = await self._refusal_of(letters)
        if refusal is None:
            return
        if len(letters) == 1:
            raise EventRefused(letters[0].seq, f"event {letters[0].seq} was refused: {refusal}")
        middle = len(letters) // 2
        await self._deliver(letters[:middle])
        await self._deliver(letters[middle:])

    async def _refusal_of(self, letters: Sequence[Letter]) -> str | None:
        """None when all are taken, else why not."""
        answer = await self._post(letters)
        if not answer.succeeded:
            reason = self._told(answer)
            if len(letters) == 1 and not (await self._post(())).succeeded:
                raise SinkUnavailable(f"{reason}, and the same to an empty request; does it take OTLP logs at all?")
            return reason
        try:
            rejection = self._messages.rejection(answer.content_type, answer.body)
        except ValueError as problem:
            raise SinkUnavailable(f"{self._told(answer)}, but its answer cannot be read: {problem}") from None
        word = self._receiver.without_secrets(rejection.message)[:LONGEST_WORD]
        if rejection.count <= 0:
            self._note(word)
            return None
        return f"{self._endpoint} rejected {rejection.count} of {len(letters)} records: {word or 'it did not say why'}"

    async def _post(self, letters: Sequence[Letter]) -> Answer:
        """An answer of success, or one that refuses what was sent. Raises `SinkUnavailable` for all others."""
        body = await asyncio.to_thread(self._messages.request, letters, packed=self._packed)
        answer = await self._receiver.post(body)
        if not answer.succeeded and answer.status not in REFUSALS:
            self._not_before_s = asyncio.get_running_loop().time() + answer.retry_after_s
            raise SinkUnavailable(self._told(answer) + HINTS.get(answer.status, ""))
        return answer

    def _told(self, answer: Answer) -> str:
        text = answer.content_type.startswith("text/")
        word = answer.body.decode(errors="replace") if text else self._messages.failure_text(answer.body)
        word = self._receiver.without_secrets(word)[:LONGEST_WORD]
        return f"{self._endpoint} answered {answer.status}" + (f" ({word})" if word and not answer.succeeded else "")

    def _note(self, word: str) -> None:
        """A receiver that takes everything may still have a warning; said once until it changes."""
        if word and word != self._last_word:
            log.warning("sink %s: %s took the events, but says: %s", self._name, self._endpoint, word)
        self._last_word = word
