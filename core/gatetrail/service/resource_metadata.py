"""What a client without a token may learn: who issues tokens for what is served here (RFC 9728)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from starlette.requests import Request

from gatetrail.identity.protected_resource import WELL_KNOWN
from gatetrail.policy.model import PolicyDocument
from gatetrail.service.known_hosts import host_in, known_names

_HEADERS = {"cache-control": "max-age=60", "access-control-allow-origin": "*"}
"""Clients in browsers ask for it too, from wherever they are; it is the same for everybody."""


class Addresses:
    """By which URL we are reached: the public one of the settings, else the one that was asked for, if it is ours."""

    def __init__(self, names: Collection[str], public_url: str | None, resource_paths: Collection[str]) -> None:
        self._names = known_names(names)
        self._public_url = public_url
        self._resource_paths = frozenset(resource_paths)

    def base_of(self, scope: Mapping[str, Any]) -> str | None:
        """Scheme and host; None when somebody asks for us by a name that is not ours."""
        if self._public_url is not None:
            return self._public_url
        host = host_in(scope, self._names)
        return None if host is None else f"{scope['scheme']}://{host}"

    def metadata_url(self, scope: Mapping[str, Any]) -> str | None:
        """Where the document is about what was asked for."""
        base, path = self.base_of(scope), scope["path"]
        about = path if path in self._resource_paths else ""
        return None if base is None else f"{base}{WELL_KNOWN}{about}"


def metadata_path(resource_path: str) -> str:
    """RFC 9728, section 3.1."""
    return f"{WELL_KNOWN}{resource_path}"


def metadata_routes(
    addresses: Addresses, policy: Callable[[], PolicyDocument], resources: Mapping[str, str]
) -> APIRouter:
    """The documents of the service and of each hosted server; `resources` are their paths with their names."""
    router = APIRouter(include_in_schema=False)

    async def metadata(request: Request) -> JSONResponse:
        path = str(request.scope["path"]).removeprefix(WELL_KNOWN)
        document = document_of(policy(), f"{addresses.base_of(request.scope) or ''}{path}", resources.get(path))
        return JSONResponse(document, headers=_HEADERS)

    for path in ("", *resources):
        router.add_api_route(metadata_path(path), metadata, methods=["GET"])
    return router


def document_of(policy: PolicyDocument, resource: str, server_name: str | None) -> dict[str, Any]:
    """One document. Of scopes it tells those that a whole server asks for: those of single tools tell of tools."""
    document: dict[str, Any] = {"resource": resource, "bearer_methods_supported": ["header"]}
    named = [issuer.issuer for issuer in policy.identity.issuers if _is_url(issuer.issuer)]
    if named:
        document["authorization_servers"] = named
    server = policy.servers.get(server_name or "")
    if server is not None and server.scopes:
        document["scopes_supported"] = sorted(server.scopes)
    return document


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)
