"""The dashboard's files over HTTP: what is sent, what is not, and what a browser may do with it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from gatetrail.service.app import create_app
from gatetrail.service.dashboard_files import dashboard_files
from gatetrail.service.serving import serving

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("G2")]

ODD_PATHS = (
    "/dashboard",
    "/dashboard/",
    "/dashboard/index.html",
    "/dashboard/.env",
    "/dashboard/../app.py",
    "/dashboard/%2e%2e/app.py",
    "/dashboard/main.js/",
    "/dashboard/MAIN.JS",
    "//",
)


class Layer:
    """An identity layer that lets nobody through."""

    def install(self, server: Any, *, name: str) -> None:
        raise AssertionError((server, name))

    def identity(self, app: ASGIApp, *, problems: bool = False) -> ASGIApp:
        assert callable(app)
        assert problems

        async def turn_away(_scope: Scope, _receive: Receive, send: Send) -> None:
            await send({"type": "http.response.start", "status": 418, "headers": []})
            await send({"type": "http.response.body", "body": b""})

        return turn_away


@pytest.fixture
async def http() -> AsyncGenerator[httpx.AsyncClient]:
    async with serving(create_app(Layer(), {})) as url, httpx.AsyncClient(base_url=url) as http:
        yield http


async def test_every_file_is_open_whole_and_strictly_kept(http: httpx.AsyncClient) -> None:
    files = dashboard_files()
    assert {"/", "/dashboard/main.js", "/dashboard/page.css", "/dashboard/mark.svg"} <= {file.path for file in files}
    for file in files:
        answer = await http.get(file.path)
        assert (answer.status_code, answer.content) == (200, file.content)
        assert answer.headers["content-type"] == file.media_type
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        policy = answer.headers["content-security-policy"].split("; ")
        assert {"default-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"} <= {*policy}
        assert "unsafe" not in answer.headers["content-security-policy"]


async def test_a_browser_that_has_a_file_is_not_sent_it_again(http: httpx.AsyncClient) -> None:
    first = await http.get("/dashboard/main.js")
    tag = first.headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}'):
        again = await http.get("/dashboard/main.js", headers={"if-none-match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert (await http.get("/dashboard/main.js", headers={"if-none-match": '"other"'})).status_code == 200
    head = await http.head("/")
    assert (head.status_code, head.content) == (200, b"")


@pytest.mark.parametrize("path", ODD_PATHS)
async def test_whatever_else_is_asked_for_meets_the_identity_layer(http: httpx.AsyncClient, path: str) -> None:
    answer = await http.get(httpx.URL(http.base_url, raw_path=path.encode()))
    assert answer.status_code == 418


def test_nothing_comes_from_elsewhere_and_nothing_is_written_into_the_page() -> None:
    for file in dashboard_files():
        text = file.content.decode().replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in text
        assert "https://" not in text
        for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "style=", "onclick="):
            assert way not in text, (file.path, way)
