"""docs/proxy.md: its nginx is a real one in front of a real service, and the rest is what the product takes."""

from __future__ import annotations

import asyncio
import re
import shutil
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from playwright.async_api import Browser, HttpCredentials, expect
from starlette.applications import Starlette

from gatetrail.identity.proxies.nonces import KEPT_S, MAX_WINDOW_S
from gatetrail.identity.signing import IDENTITY_HEADERS, MAX_VALUE_BYTES, SIGNED_HEADERS, canonical, signed_headers
from gatetrail.policy.proxies import ProxyPolicy
from tests.checkout import ROOT
from tests.dashboard.conftest import browser
from tests.dashboard.desk import WITHIN_MS
from tests.proxies.stand import KEYS, TARGET, WITHIN_S, Stand, mcp_headers, message_of, standing_by
from tests.require import require_or_skip
from tests.service.api.conftest import module_dsn

__all__ = ["browser", "module_dsn"]

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("C3", "C4")]

PAGE = (ROOT / "docs/proxy.md").read_text("utf-8")
MODULE = Path("/usr/lib/nginx/modules/ngx_http_js_module.so")
PASSWORDS = {"karl": "karl's own", "olga": "olga's own"}
POLICY = """
identity: {proxies: [{name: edge, networks: [127.0.0.1]}]}
servers: {finance: {tier: user, conceal: false, tools: {pay: {tier: admin}, plan: {scopes: ["finance:plan"]}}}}
"""
FORGED = dict.fromkeys(IDENTITY_HEADERS, "forged")
CONFIG = """
load_module {module};
daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/bodies;
    proxy_temp_path {folder}/proxied;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/gatetrail.conf;
}}
"""


def block(language: str) -> str:
    """The only one of its kind on the page."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


@asynccontextmanager
async def nginx(folder: Path, service_url: str) -> AsyncGenerator[str]:
    """nginx as the page has it, but for paths and ports, until the block ends."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin")
    require_or_skip(program and MODULE.exists(), "nginx and its JavaScript module are not here")
    port = free_port()
    (folder / "gatetrail.key").write_text(KEYS["edge"] + "\n")
    (folder / "gatetrail.users").write_text("".join(f"{user}:{{PLAIN}}{word}\n" for user, word in PASSWORDS.items()))
    (folder / "gatetrail.js").write_text(block("js").replace("/etc/nginx", str(folder)))
    server = block("nginx").replace("/etc/nginx", str(folder)).replace("http://127.0.0.1:8080", service_url)
    (folder / "gatetrail.conf").write_text(server.replace("127.0.0.1:8000", f"127.0.0.1:{port}"))
    (folder / "nginx.conf").write_text(CONFIG.format(folder=folder, module=MODULE))
    command = [str(program), "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    process = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.DEVNULL)
    try:
        await listening(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.wait(), WITHIN_S)


async def listening(port: int, process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(WITHIN_S):
        while True:
            assert process.returncode is None, "nginx has ended; what it says stands above"
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.02)
                continue
            writer.close()
            return


class Front:
    """Those who ask nginx."""

    def __init__(self, stand: Stand, http: httpx.AsyncClient) -> None:
        self.stand = stand
        self.http = http

    async def call(
        self, tool: str, user: str = "karl", headers: Mapping[str, str] | None = None, query: str = ""
    ) -> httpx.Response:
        return await self.http.post(
            f"{TARGET}{query}",
            json=message_of(tool),
            headers={**mcp_headers(tool), **(headers or {})},
            auth=(user, PASSWORDS[user]),
        )


@pytest.fixture(scope="module")
async def whole_front(module_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Front]:
    folder = tmp_path_factory.mktemp("nginx")
    async with (
        standing_by(module_dsn, folder / "service", POLICY) as stand,
        nginx(folder, stand.url) as url,
        httpx.AsyncClient(base_url=url, timeout=WITHIN_S) as http,
    ):
        yield Front(stand, http)


@pytest.fixture
async def front(whole_front: Front) -> Front:
    await whole_front.stand.new_events()
    whole_front.stand.ran.clear()
    return whole_front


@pytest.mark.postgres
async def test_who_is_signed_in_by_nginx_is_the_caller(front: Front) -> None:
    for query in ("", "?", "?a=%31&a=2", "?a=ü"):
        answer = await front.call("invoice", query=query)
        assert answer.json()["result"]["content"][0]["text"] == "invoice is done"
    rows = await front.stand.decisions()
    assert {(row.user_id, row.auth_method, row.client_id, row.actual_tier) for row in rows} == {
        ("karl", "proxy", "edge", "user")
    }
    assert len(rows) == len(front.stand.ran) == 4


@pytest.mark.postgres
async def test_what_nginx_says_of_users_counts(front: Front) -> None:
    assert (await front.call("plan")).json()["error"]["code"] == 40301
    assert (await front.call("pay", "olga")).json()["error"]["code"] == 40301
    assert (await front.call("plan", "olga")).json()["result"]
    assert front.stand.ran == ["plan"]


@pytest.mark.postgres
@pytest.mark.parametrize(
    "headers",
    [
        FORGED,
        {name.upper(): value for name, value in FORGED.items()},
        {name.replace("-", "_"): value for name, value in FORGED.items()},
        {"x-user-id": "olga", "x-user-permissions": "finance:plan", "x-user-tier": "admin", "x-user-client": "other"},
    ],
    ids=["all", "capitals", "underscores", "some"],
)
async def test_what_a_client_says_of_itself_does_not_get_through_nginx(
    front: Front, headers: Mapping[str, str]
) -> None:
    assert (await front.call("invoice", headers=headers)).status_code == 200
    (row,) = await front.stand.decisions()
    assert (row.user_id, row.client_id, row.actual_tier) == ("karl", "edge", "user")
    assert (await front.call("plan", headers=headers)).json()["error"]["code"] == 40301
    assert front.stand.ran == ["invoice"]


@pytest.mark.postgres
async def test_who_is_not_signed_in_gets_no_further_than_nginx(front: Front) -> None:
    answer = await front.http.post(TARGET, json=message_of("invoice"), headers=mcp_headers("invoice"))
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Basic realm="Gatetrail"')
    assert await front.stand.new_events() == []


@pytest.mark.postgres
@pytest.mark.requirement("G2")
async def test_behind_nginx_the_dashboard_needs_no_token(front: Front) -> None:
    for user, sees_all in (("karl", False), ("olga", True)):
        signed_in = (user, PASSWORDS[user])
        assert "Continue without a token" in (await front.http.get("/", auth=signed_in)).text
        stats = await front.http.get("/v1/stats", params={"since": "1s", "buckets": 1}, auth=signed_in)
        assert stats.json()["reader"]["user_id"] == user
        assert stats.json()["reader"]["sees_all"] is sees_all
        async with front.http.stream("GET", "/v1/events/stream", auth=signed_in) as stream:
            assert (stream.status_code, stream.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")


@pytest.mark.postgres
@pytest.mark.slow
@pytest.mark.requirement("G2")
async def test_behind_nginx_a_person_reads_the_dashboard(front: Front, browser: Browser) -> None:
    signed_in: HttpCredentials = {"username": "olga", "password": PASSWORDS["olga"]}
    context = await browser.new_context(http_credentials=signed_in)
    try:
        page = await context.new_page()
        await page.goto(str(front.http.base_url))
        await page.get_by_role("button", name="Continue without a token").click()
        await expect(page.locator("#reader")).to_contain_text("olga", timeout=WITHIN_MS)
        await expect(page.locator("#connection")).to_have_text("Live", timeout=WITHIN_MS)
        assert (await front.call("plan")).json()["error"]["code"] == 40301
        await expect(page.locator("#list-rows tr:visible").filter(has_text="karl").first).to_be_visible()
    finally:
        await context.close()


async def test_the_signer_for_envoy_signs_what_the_service_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATETRAIL_PROXY_KEY", KEYS["edge"])
    _, source = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    found: dict[str, Any] = {}
    exec(compile(source, "docs/proxy.md", "exec"), found)
    signer: Starlette = found["signer"]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(signer), base_url="http://signer") as http:
        answer = await http.post(f"{TARGET}?a=%31", headers={"x-signed-in-user": "ann"})
        assert (await http.post(TARGET)).status_code == 401
    made = {name: value for name, value in answer.headers.items() if name in IDENTITY_HEADERS}
    expected = signed_headers(
        KEYS["edge"].encode(),
        proxy="edge",
        method="POST",
        target=f"{TARGET}?a=%31",
        user="ann",
        timestamp_s=int(made["x-proxy-timestamp"]),
        nonce=made["x-proxy-nonce"],
    )
    assert made == expected


def test_envoy_is_told_to_strip_every_header() -> None:
    strip, *_, router = yaml.safe_load(block("yml"))["http_filters"]
    removed = [one["remove"] for one in strip["typed_config"]["mutations"]["request_mutations"]]
    assert removed == ["x-signed-in-user", *IDENTITY_HEADERS]
    assert router["name"] == "router"


def test_nginx_is_told_to_set_every_header() -> None:
    told = {name.lower() for name in re.findall(r"proxy_set_header +([\w-]+)", block("nginx"))}
    assert told >= {*IDENTITY_HEADERS, "authorization"}


def test_the_page_says_what_the_code_does() -> None:
    rows = re.findall(r"^\| ((?:`[\w-]+`(?:, )?)+) \|", PAGE, re.MULTILINE)
    names = [name for row in rows for name in re.findall(r"`([\w-]+)`", row)]
    assert names == [*IDENTITY_HEADERS]
    assert f"{MAX_VALUE_BYTES:,} bytes" in PAGE
    policy = ProxyPolicy(name="edge", networks=("127.0.0.1",))
    assert (policy.window_s, policy.proof_s) == (30, 3_600)
    assert KEPT_S > 2 * MAX_WINDOW_S


def test_the_text_that_is_signed_is_the_one_on_the_page() -> None:
    shown = block("text")
    lines = [line.split(":", 2) for line in shown.splitlines()[1:]]
    values = {name: value for name, _, value in lines if name in SIGNED_HEADERS}
    assert canonical("POST", TARGET.encode(), values).decode() == shown
