"""The whole HTTP application: hosted MCP servers, dashboard, health, documentation."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from importlib.metadata import version
from typing import Protocol

from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from gatetrail.identity.protected_resource import METADATA_KEY
from gatetrail.policy.model import PolicyDocument
from gatetrail.service.agents import FailClosed
from gatetrail.service.api.documentation import DESCRIPTION_PATHS, described_app
from gatetrail.service.dashboard_files import dashboard_files, dashboard_routes
from gatetrail.service.health import HEALTH_PATHS, Readiness, always_ready, health_routes
from gatetrail.service.hosts import LOOPBACK
from gatetrail.service.known_hosts import KnownHosts
from gatetrail.service.metrics import METRICS_PATH, Metrics, metrics_routes
from gatetrail.service.mounting import HostedServer, http_app_of, path_of
from gatetrail.service.problems import install_problems
from gatetrail.service.resource_metadata import Addresses, metadata_path, metadata_routes


class Gate(Protocol):
    """What the service needs of the gate."""

    def install(self, server: HostedServer, *, name: str) -> None:
        """Put the gate into a server. Raises `ServerNotSupported`."""
        ...

    def identity(self, app: ASGIApp, *, problems: bool = False) -> ASGIApp:
        """Put the identity layer around an application; with `problems` it turns away as RFC 9457 has it."""
        ...


def create_app(
    gt: Gate,
    servers: Mapping[str, HostedServer],
    *,
    allowed_hosts: Sequence[str] = LOOPBACK,
    readiness: Readiness = always_ready,
    metrics: Metrics | None = None,
    routers: Sequence[APIRouter] = (),
    policy: Callable[[], PolicyDocument] = PolicyDocument,
    public_url: str | None = None,
) -> FastAPI:
    """The application that serves each server at `/mcp/NAME`, behind the gate, which is put into them here.

    `allowed_hosts` are the names that may stand in Host and Origin, without ports. `routers` stand behind the identity
    layer. `policy` gives the one in force, of which strangers are told what RFC 9728 has, under `public_url` or the
    name that they asked for. A server object can be served once. Raises `SettingsInvalid` for a name that is no path
    segment, and `ServerNotSupported`.
    """
    hosted: dict[str, Starlette] = {}
    names: dict[str, str] = {}
    for name, server in servers.items():
        path = path_of(name)
        names[path] = name
        gt.install(server, name=name)
        hosted[path] = http_app_of(server, path, tuple(allowed_hosts))
    app = described_app(version("gatetrail"), _lifespan(hosted))
    install_problems(app)
    for router in routers:
        app.include_router(router)
    app.include_router(health_routes(readiness))
    if metrics is not None:
        app.include_router(metrics_routes(metrics))
    addresses = Addresses(allowed_hosts, public_url, names)
    app.include_router(metadata_routes(addresses, policy, names))
    app.router.routes.extend(Route(path, endpoint=mcp_app) for path, mcp_app in hosted.items())
    dashboard = dashboard_files()
    app.router.routes.extend(dashboard_routes(dashboard))
    app.add_middleware(
        Doorway,
        gate=gt,
        allowed_hosts=allowed_hosts,
        addresses=addresses,
        unasked_paths=frozenset((*hosted, *HEALTH_PATHS, METRICS_PATH)),
        page_paths=frozenset(
            (*DESCRIPTION_PATHS, *(file.path for file in dashboard), *map(metadata_path, ("", *names)))
        ),
    )
    return app


class Doorway:
    """The identity layer around everything but three kinds of paths, and the names of this host around all but two.

    Hosted servers have both in themselves, where it is known which server is meant; health and metrics are asked for
    by programs that have no identity, at whatever address they find; and the dashboard's files are what a person signs
    in with, as the metadata are for programs. All are known by their exact names: whatever else is asked for passes the
    scanner first.
    """

    def __init__(
        self,
        app: ASGIApp,
        gate: Gate,
        allowed_hosts: Sequence[str],
        addresses: Addresses,
        unasked_paths: frozenset[str],
        page_paths: frozenset[str],
    ) -> None:
        self._app = app
        self._pages = KnownHosts(app, allowed_hosts)
        self._guarded = FailClosed(gate.identity(self._pages, problems=True))
        self._metadata_url = addresses.metadata_url
        self._unasked_paths = unasked_paths
        self._page_paths = page_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[METADATA_KEY] = self._metadata_url
        await self._inner(scope)(scope, receive, send)

    def _inner(self, scope: Scope) -> ASGIApp:
        if scope["type"] != "http" or scope["path"] in self._unasked_paths:
            return self._app
        return self._pages if scope["path"] in self._page_paths else self._guarded


def _lifespan(hosted: Mapping[str, Starlette]) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncGenerator[None]:
        async with AsyncExitStack() as stack:
            for mcp_app in hosted.values():
                await stack.enter_async_context(mcp_app.router.lifespan_context(mcp_app))
            yield

    return lifespan
