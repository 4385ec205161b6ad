"""What a client without a token is told: where to get one, and which scopes to ask for."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from mcp.shared.auth import ProtectedResourceMetadata

from gatetrail.errors import SettingsInvalid
from gatetrail.service.app import create_app
from gatetrail.settings import load_settings
from tests.mcp.conftest import Site, make_gate, serve
from tests.mcp.servers import build
from tests.mcp.wire import MODERN

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("C6", "A4")]

WELL_KNOWN = "/.well-known/oauth-protected-resource"
POLICY = """
identity:
  anonymous: false
  shared_secret: true
  issuers:
    - {issuer: "https://login.example", audience: gatetrail, keys: {url: "https://login.example/keys"}}
    - {issuer: "urn:partner", audience: gatetrail, keys: {file: /keys.json}}
servers:
  finance:
    scopes: ["finance:write", "finance:read", 'quote"me']
    tools: {pay: {scopes: ["finance:pay"], tier: admin}}
"""


@asynccontextmanager
async def served(folder: Path, public_url: str | None = None) -> AsyncGenerator[Site]:
    gate = make_gate(folder / "spool", POLICY)
    servers = {name: build("mcpserver").server for name in ("finance", "open")}
    app = create_app(gate.adapter, servers, policy=lambda: gate.policy.document, public_url=public_url)
    async with serve(app) as site:
        yield site


async def challenge(site: Site, path: str = "/mcp/finance", **headers: str) -> httpx.Response:
    wire = site.client(MODERN)
    wire.url = f"{site.url}{path}"
    wire.headers = headers
    answer = await wire.call("pay")
    return httpx.Response(answer.status, headers=answer.headers)


async def test_the_document_tells_issuers_and_the_scopes_of_the_whole_server_and_no_tool(tmp_path: Path) -> None:
    async with served(tmp_path) as site:
        answer = await site.http.get(f"{site.url}{WELL_KNOWN}/mcp/finance")
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["access-control-allow-origin"] == "*"
        document = answer.json()
        assert document == {
            "resource": f"{site.url}/mcp/finance",
            "authorization_servers": ["https://login.example"],
            "bearer_methods_supported": ["header"],
            "scopes_supported": ["finance:read", "finance:write", 'quote"me'],
        }
        assert "pay" not in answer.text
        ProtectedResourceMetadata.model_validate(document)
        root = (await site.http.get(f"{site.url}{WELL_KNOWN}")).json()
        assert root["resource"] == site.url
        assert "scopes_supported" not in root
        assert "scopes_supported" not in (await site.http.get(f"{site.url}{WELL_KNOWN}/mcp/open")).json()


async def test_no_document_tells_of_a_server_that_is_not_there_or_under_a_foreign_name(tmp_path: Path) -> None:
    async with served(tmp_path) as site:
        assert (await site.http.get(f"{site.url}{WELL_KNOWN}/mcp/other")).status_code in {401, 404}
        foreign = await site.http.get(f"{site.url}{WELL_KNOWN}/mcp/finance", headers={"host": "evil.example"})
        assert foreign.status_code == 421


async def test_without_a_token_the_challenge_names_the_document_and_scopes_and_no_error(tmp_path: Path) -> None:
    async with served(tmp_path) as site:
        answer = await challenge(site)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == (
            f'Bearer realm="gatetrail", resource_metadata="{site.url}{WELL_KNOWN}/mcp/finance", '
            'scope="finance:read finance:write"'
        )
        assert 'error="' not in (await challenge(site, authorization="Basic YTpi")).headers["www-authenticate"]
        assert 'error="invalid_token"' in (await challenge(site, authorization="Bearer x")).headers["www-authenticate"]
        assert "scope=" not in (await challenge(site, "/mcp/open")).headers["www-authenticate"]


async def test_a_foreign_host_cannot_choose_where_clients_look_for_tokens(tmp_path: Path) -> None:
    async with served(tmp_path) as site:
        answer = await challenge(site, host="evil.example")
        assert "evil.example" not in answer.headers.get("www-authenticate", "")
        assert "resource_metadata" not in answer.headers.get("www-authenticate", "")


async def test_the_public_url_is_told_whatever_was_asked_for(tmp_path: Path) -> None:
    async with served(tmp_path, "https://gate.example.com") as site:
        told = f"https://gate.example.com{WELL_KNOWN}/mcp/finance"
        assert f'resource_metadata="{told}"' in (await challenge(site)).headers["www-authenticate"]
        document = (await site.http.get(f"{site.url}{WELL_KNOWN}/mcp/finance")).json()
        assert document["resource"] == "https://gate.example.com/mcp/finance"


@pytest.mark.parametrize("url", ["x.example", "ftp://x", "https://a@b", "https://x/path", "https://x?a", 'https://x"'])
async def test_a_public_url_is_scheme_and_host(tmp_path: Path, url: str) -> None:
    config = tmp_path / "service.yaml"
    config.write_text(json.dumps({"public_url": url}))
    with pytest.raises(SettingsInvalid, match="public_url"):
        load_settings(config)
    config.write_text("public_url: https://gate.example.com:8443/")
    assert load_settings(config).public_url == "https://gate.example.com:8443"
