"""Gets the bytes of a JWKS from where it is."""

from __future__ import annotations

import asyncio
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import httpx2

from gatetrail.identity.keys.place import KeyLimits, KeyPlace, wrong_with_url
from gatetrail.tls import ClientTls, client_context

_MAX_AGE = re.compile(r"(?:^|[\s,])max-age\s*=\s*\"?(\d{1,10})", re.IGNORECASE)
_HEADERS = {"accept": "application/jwk-set+json, application/json", "accept-encoding": "identity"}
_PLAIN = frozenset({"", "identity"})
_OK = 200


class NotReadError(Exception):
    """Why there are no bytes, as a sentence without its subject."""


@dataclass(frozen=True, slots=True)
class Content:
    """What was read, and after how many seconds it should be looked for anew."""

    content: bytes | None
    """None: the same as at the last time that `taken` was said."""
    fresh_s: float


class Reader(Protocol):
    """Reads one place. Called by one task at a time."""

    async def read(self) -> Content:
        """Raises NotReadError."""
        ...

    def taken(self) -> None:
        """What was read last could be used."""
        ...

    def wait_s(self, failures: int) -> float:
        """After so many failures in a row."""
        ...


def reader_of(place: KeyPlace, limits: KeyLimits) -> Reader:
    """The reader for a place; for one that may not be read, a reader that says so."""
    if place.url is not None:
        return UrlReader(place.url, place.ca_file, limits)
    return FileReader(Path(place.file or ""), limits)


class FileReader:
    """A file, which is read again when it has changed. It may be replaced by another, or by a link to one."""

    def __init__(self, path: Path, limits: KeyLimits) -> None:
        self._path = path
        self._limits = limits
        self._seen: tuple[int, ...] = ()
        self._used: tuple[int, ...] = ()

    async def read(self) -> Content:
        return await asyncio.to_thread(self._read)

    def taken(self) -> None:
        self._used = self._seen

    def wait_s(self, failures: int) -> float:
        del failures  # a look costs nothing, and a file may be back at any moment
        return self._limits.look_s

    def _read(self) -> Content:
        try:
            # Before the content: what is written meanwhile is then seen at the next look.
            found = self._path.stat()
            if not stat.S_ISREG(found.st_mode):
                raise NotReadError("is no file")
            self._seen = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
            if self._seen == self._used:
                return Content(None, self._limits.look_s)
            with self._path.open("rb") as file:
                content = file.read(self._limits.max_bytes + 1)
        except (OSError, ValueError) as problem:
            reason = problem.strerror if isinstance(problem, OSError) else problem
            raise NotReadError(f"cannot be read: {reason}") from None
        if len(content) > self._limits.max_bytes:
            raise NotReadError(f"is larger than {self._limits.max_bytes:,} bytes")
        return Content(content, self._limits.look_s)


class UrlReader:
    """A URL, asked by a client of our own that follows nobody anywhere and reads only so much."""

    def __init__(self, url: str, ca_file: str | None, limits: KeyLimits) -> None:
        self._url = url
        self._ca_file = ca_file
        self._limits = limits

    async def read(self) -> Content:
        if wrong := wrong_with_url(self._url):
            raise NotReadError(f"is not asked: {wrong}")
        try:
            async with asyncio.timeout(self._limits.fetch_s):
                return await self._fetched()
        except TimeoutError:
            raise NotReadError(f"did not answer whole within {self._limits.fetch_s:g} s") from None
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as problem:
            raise NotReadError(f"cannot be asked: {type(problem).__name__}: {problem}") from None

    def taken(self) -> None:
        """Nothing is remembered: an answer is small."""

    def wait_s(self, failures: int) -> float:
        limits = self._limits
        return min(limits.retry_s * (1 << min(failures - 1, 10)), max(limits.usual_age_s, limits.retry_s))

    async def _fetched(self) -> Content:
        # Neither proxies nor .netrc of our environment: whom we ask, and how, is what the policy says.
        async with (
            httpx2.AsyncClient(transport=await self._transport(), trust_env=False, follow_redirects=False) as client,
            client.stream("GET", self._url, headers=_HEADERS, timeout=None) as response,
        ):
            if response.status_code != _OK:
                raise NotReadError(f"answered {response.status_code}; expected 200, and no redirect is followed")
            if response.headers.get("content-encoding", "") not in _PLAIN:
                raise NotReadError("answered with compressed content although plain was asked for")
            return Content(await self._body(response), self._fresh_s(response.headers.get("cache-control", "")))

    async def _transport(self) -> httpx2.AsyncHTTPTransport:
        if not self._url.startswith("https:"):
            return httpx2.AsyncHTTPTransport(verify=False, trust_env=False)
        tls = ClientTls(ca_file=None if self._ca_file is None else Path(self._ca_file))
        # To read the authorities of the system takes tens of milliseconds.
        context = await asyncio.to_thread(client_context, tls)
        return httpx2.AsyncHTTPTransport(verify=context, trust_env=False)

    async def _body(self, response: httpx2.Response) -> bytes:
        body = bytearray()
        async for piece in response.aiter_raw():
            body += piece
            if len(body) > self._limits.max_bytes:
                raise NotReadError(f"answered with more than {self._limits.max_bytes:,} bytes")
        return bytes(body)

    def _fresh_s(self, cache_control: str) -> float:
        limits = self._limits
        said = _MAX_AGE.search(cache_control)
        if said is None:
            return limits.usual_age_s
        return min(max(float(said[1]), limits.least_age_s), limits.most_age_s)
