"""The dashboard's files, as they are sent to browsers: known names only, under a policy that trusts nothing foreign."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

FOLDER = "dashboard"
PAGE = "index.html"
MEDIA_TYPES: Mapping[str, str] = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
"""By ending. A file with another ending is not sent."""

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
"""W3C CSP 3. No inline script or style, no frame around the page, no form that a browser sends by itself; and with
Trusted Types no code can turn a text into markup."""

HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""`no-cache` lets a browser keep a file and ask whether it is still the same, which costs an empty answer."""


@dataclass(frozen=True, slots=True)
class DashboardFile:
    """One file, read once."""

    path: str
    """Where it is served."""
    content: bytes
    media_type: str

    @property
    def etag(self) -> str:
        """Strong, from the content (RFC 9110, section 8.8.3)."""
        return f'"{sha256(self.content).hexdigest()[:32]}"'


def dashboard_files() -> Sequence[DashboardFile]:
    """All of them: the page at `/`, everything else at `/dashboard/NAME`."""
    folder = files("gatetrail.service") / FOLDER
    found = [
        DashboardFile("/" if entry.name == PAGE else f"/{FOLDER}/{entry.name}", entry.read_bytes(), media_type)
        for entry in folder.iterdir()
        if (media_type := MEDIA_TYPES.get("." + entry.name.rpartition(".")[2])) is not None
    ]
    return sorted(found, key=lambda file: file.path)


def dashboard_routes(dashboard: Sequence[DashboardFile]) -> list[Route]:
    """A route for each file, GET and HEAD; there is no folder behind them that could be walked."""
    return [_route(file) for file in dashboard]


def _route(file: DashboardFile) -> Route:
    headers = {**HEADERS, "ETag": file.etag}

    async def answer(request: Request) -> Response:
        if file.etag in _known_to(request):
            return Response(status_code=304, headers=headers)
        return Response(file.content, headers=headers, media_type=file.media_type)

    return Route(file.path, endpoint=answer, methods=["GET"])


def _known_to(request: Request) -> set[str]:
    """The tags in If-None-Match, which are compared weakly (RFC 9110, section 13.1.2)."""
    tags = request.headers.get("if-none-match", "").split(",")
    return {tag.strip().removeprefix("W/") for tag in tags}
