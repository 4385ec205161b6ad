"""What a service that is asked over HTTP answers, when it is not what was asked for."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from http import HTTPStatus

import httpx2
import orjson

from gatetrail.errors import AccessRefused, GatetrailError, Unavailable, WrongUse
from gatetrail.events.journal import Entry

PROBLEM_JSON = "application/problem+json"
MAX_DETAIL = 400


class NotThere(WrongUse):
    """The service has nothing at that path; `code` is the one of its problem, empty when it is not ours."""

    def __init__(self, message: str, code: str) -> None:
        self.problem_code = code
        super().__init__(message)


class NoRoomNow(Unavailable):
    """The service has no room for one more; it said after how many seconds to come again."""

    def __init__(self, message: str, retry_after_s: int) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(message)


def problem_of(response: httpx2.Response, base: str, *, with_token: bool) -> GatetrailError:
    """The error that an answer other than 200 stands for. Its body has been read."""
    detail, code = _told(response)
    status = response.status_code
    if status == HTTPStatus.UNAUTHORIZED:
        return WrongUse(_no_token(base, detail, with_token=with_token))
    if status == HTTPStatus.FORBIDDEN:
        return AccessRefused(f"{base} does not give that to this caller: {detail}")
    if status == HTTPStatus.NOT_FOUND:
        asked = response.request.url.path
        return NotThere(f"{base} has nothing at {asked}: is this a Gatetrail service, and the whole of its URL?", code)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return NoRoomNow(f"{base} has no room now: {detail}", _retry_after_s(response))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Unavailable(f"{base} cannot answer now: {status} {detail}")
    if response.has_redirect_location:
        return WrongUse(f"{base} sends elsewhere: give the URL that it names: {response.headers['location']}")
    return WrongUse(f"{base} refuses the question: {status} {detail}")


def is_strange(base: str) -> WrongUse:
    """An answer that no service of ours gives."""
    return WrongUse(f"{base} answers, but not as a Gatetrail service does: is its URL right?")


@contextmanager
def told_as_unavailable(base: str) -> Generator[None]:
    """Raises `Unavailable` for what happens on the way to a service."""
    try:
        yield
    except httpx2.TimeoutException as problem:
        raise Unavailable(f"{base} does not answer in time ({type(problem).__name__})") from None
    except httpx2.TransportError as problem:
        raise Unavailable(f"{base} does not answer: {_cause_of(problem)}") from None
    except httpx2.HTTPError as problem:
        raise Unavailable(f"{base} gives no answer that can be read: {problem}") from None


@contextmanager
def read_as_ours(base: str) -> Generator[None]:
    """Raises `WrongUse` for content that cannot be taken apart as expected."""
    try:
        yield
    except (ValueError, LookupError, TypeError):
        raise is_strange(base) from None


def entry_of(line: bytes) -> Entry:
    """A line of the record. Raises ValueError, LookupError or TypeError for what is none."""
    keys = orjson.loads(line)
    return Entry(int(keys["seq"]), str(keys["event_name"]), line)


def _no_token(base: str, detail: str, *, with_token: bool) -> str:
    if with_token:
        return f"{base} does not take the token: {detail}; a new one comes from: gatetrail token mint"
    return f"{base} wants to know who asks: put a token into GATETRAIL_TOKEN, or name its file with --token-file"


def _told(response: httpx2.Response) -> tuple[str, str]:
    """The detail and the code of a problem (RFC 9457); the status in words when it is none."""
    problem: Mapping[str, object] = {}
    if response.headers.get("content-type", "").startswith(PROBLEM_JSON):
        with suppress(ValueError, TypeError):
            problem = dict(orjson.loads(response.content))
    detail = " ".join(str(problem.get("detail") or problem.get("title") or response.reason_phrase).split())
    return detail[:MAX_DETAIL], str(problem.get("code", ""))


def _retry_after_s(response: httpx2.Response) -> int:
    text = response.headers.get("retry-after", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < len("10000") else 1


def _cause_of(problem: BaseException) -> str:
    cause: BaseException | None = problem
    while cause is not None:
        if isinstance(cause, ssl.SSLError | socket.gaierror) and cause.strerror:
            return cause.strerror
        if isinstance(cause, OSError) and cause.errno:
            return os.strerror(cause.errno)
        cause = cause.__cause__ or cause.__context__
    return str(problem) or type(problem).__name__
