"""The HTTP application of an open gate, with all that it reads from."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI

from gatetrail.runtime.gatetrail import Gatetrail
from gatetrail.runtime.readiness import readiness_of
from gatetrail.service.app import create_app
from gatetrail.service.hosts import LOOPBACK
from gatetrail.settings import ServiceSettings


@asynccontextmanager
async def open_application(
    gate: Gatetrail,
    settings: ServiceSettings,  # noqa: ARG001
    servers: Mapping[str, Any],
    *,
    allowed_hosts: Sequence[str] = LOOPBACK,
) -> AsyncGenerator[FastAPI]:
    """The application that serves these server objects, to be served while the block lasts.

    Raises what `create_app` raises, and `DatabaseUnavailable`.
    """
    yield create_app(gate, servers, allowed_hosts=allowed_hosts, readiness=readiness_of(gate))
