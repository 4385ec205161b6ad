"""A proxy vouches for a user: the call is that user's, and every check is made as for a token."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from gatetrail.words import GateName, ReasonCode
from tests.mcp.wire import HANDSHAKE, Answer, Wire
from tests.proxies.stand import TARGET, WITHIN_S, Stand, headers_of

pytestmark = [pytest.mark.anyio, pytest.mark.postgres]


@pytest.mark.requirement("C3")
async def test_the_row_names_the_user_for_whom_the_proxy_vouches(stand: Stand) -> None:
    said: dict[str, Any] = {
        "permissions": ["finance:read"],
        "roles": ["analyst"],
        "department": "Einkauf Süd",
        "client": "claude",
    }
    answer = await stand.call(headers_of("zoë", session="s-zoë", context="thread-7", **said))
    assert answer.json()["result"]["content"][0]["text"] == "invoice is done"
    (row,) = await stand.decisions()
    assert (row.user_id, row.auth_method, row.client_id) == ("zoë", "proxy", "claude")
    assert (row.session_id, row.context_id, row.actual_tier) == ("s-zoë", "thread-7", "service")
    assert (row.department, row.roles) == ("Einkauf Süd", ("analyst",))


@pytest.mark.requirement("C3")
async def test_a_user_of_another_proxy_is_another_user(stand: Stand) -> None:
    await stand.call(headers_of("karl", proxy="office"))
    (row,) = await stand.decisions()
    assert (row.user_id, row.client_id, row.actual_tier) == ("office:karl", "office", "user")


@pytest.mark.requirement("C3", "B1")
@pytest.mark.parametrize(
    ("tool", "said", "reason"),
    [
        ("pay", {"permissions": ["admin"]}, ReasonCode.TIER_TOO_LOW),
        ("pay", {"tier": "admin"}, ReasonCode.TIER_TOO_LOW),
        ("pay", {"permissions": ["admin"], "roles": ["admin"], "tier": "admin"}, ReasonCode.TIER_TOO_LOW),
        ("plan", {"permissions": ["finance:read"]}, ReasonCode.SCOPE_MISSING),
        ("partner", {}, ReasonCode.AUDIENCE_WRONG),
        ("audit", {"department": "sales"}, ReasonCode.DEPARTMENT_WRONG),
        ("audit", {}, ReasonCode.DEPARTMENT_WRONG),
    ],
)
async def test_tier_scopes_audience_and_department_are_checked(
    stand: Stand, tool: str, said: dict[str, Any], reason: ReasonCode
) -> None:
    await stand.call(headers_of(**said), tool)
    (row,) = await stand.decisions()
    assert (row.gate, row.reason_code, row.auth_method) == (GateName.SCOPE, reason, "proxy")
    assert stand.ran == []


@pytest.mark.requirement("C3")
@pytest.mark.parametrize(
    ("tool", "said"),
    [
        ("plan", {"permissions": ["finance:read", "finance:plan"]}),
        ("partner", {"audience": "partners gatetrail"}),
        ("audit", {"department": "audit"}),
    ],
)
async def test_what_the_proxy_says_of_its_user_is_enough_where_it_is(
    stand: Stand, tool: str, said: dict[str, Any]
) -> None:
    assert (await stand.call(headers_of(**said), tool)).status_code == 200
    assert stand.ran == [tool]


@pytest.mark.requirement("C4")
@pytest.mark.parametrize("target", [f"{TARGET}?a=1&a=%32", f"{TARGET}?", "/mcp/fi%6eance"])
async def test_the_request_line_is_signed_as_it_is_sent(stand: Stand, target: str) -> None:
    answer = await stand.call(headers_of(target=target), target=target)
    assert answer.status_code == 200, answer.text
    assert stand.ran == ["invoice"]


@pytest.mark.requirement("C4")
async def test_a_key_is_exchanged_without_a_gap(stand: Stand) -> None:
    for key in ("edge before", "edge"):
        assert (await stand.call(headers_of(key=key))).status_code == 200
    assert (await stand.call(headers_of(key="edge at first"))).status_code == 401
    assert stand.ran == ["invoice", "invoice"]


class Proxied(Wire):
    """A client behind a proxy, which signs each of its requests anew."""

    user = "ann"

    async def post(self, message: dict[str, object], more: dict[str, str] | None = None) -> Answer:
        self.headers = headers_of(self.user)
        return await super().post(message, more)


@pytest.mark.requirement("C3", "A6")
async def test_a_session_belongs_to_the_user_for_whom_the_proxy_vouches(stand: Stand) -> None:
    async with httpx.AsyncClient(timeout=WITHIN_S) as http:
        wire = Proxied(http, f"{stand.url}{TARGET}", HANDSHAKE)
        await wire.open()
        assert (await wire.call("invoice")).result
        wire.user = "mallory"
        stolen = await wire.call("invoice")
        wire.user = "ann"
        assert (await wire.call("invoice")).result
        as_token = Wire(http, wire.url, HANDSHAKE, stand.token("ann"), wire.session_id)
        crossed = await as_token.call("invoice")
    assert (stolen.status, crossed.status) == (404, 404)
    refused = await stand.refusals()
    assert [(one.reason_code, one.auth_method) for one in refused] == [
        ("session_of_another_user", "proxy"),
        ("session_of_another_user", "bearer"),
    ]
    assert stand.ran == ["invoice", "invoice"]


@pytest.mark.requirement("C3", "G2")
async def test_the_api_knows_who_reads_by_the_proxys_word(stand: Stand) -> None:
    target = "/v1/stats?since=1s&buckets=1"
    said: dict[str, Any] = {"method": "GET", "target": target, "tier": "service"}
    other: dict[str, Any] = {**said, "target": "/v1/sinks"}
    answer = await stand.inside.get(f"{stand.url}{target}", headers=headers_of("olga", roles=["auditor"], **said))
    assert answer.json()["reader"] == {"user_id": "olga", "tier": "service", "roles": ["auditor"], "sees_all": True}
    answer = await stand.inside.get(f"{stand.url}{target}", headers=headers_of("olga", **said))
    assert answer.json()["reader"]["sees_all"] is False
    again = await stand.inside.get(f"{stand.url}/v1/sinks", headers=headers_of("olga", **other))
    assert again.status_code == 403
    (refused,) = await stand.refusals()
    assert (refused.reason_code, refused.auth_method, refused.user_id) == ("role_missing", "proxy", "olga")
