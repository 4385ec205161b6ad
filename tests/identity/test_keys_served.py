"""Issuers' keys over real HTTP on both sides: a key server on loopback, and a gated MCP server that asks it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from pydantic import SecretStr

from gatetrail.clock import SystemClock
from gatetrail.events.stamp import Stamp
from gatetrail.gates.pipeline import Gates
from gatetrail.identity.bearer import TokenVerifier
from gatetrail.identity.caller import Authenticated, IdentityRefusal, Refused
from gatetrail.identity.keys.key_ring import KeyRing
from gatetrail.identity.keys.place import KeyLimits
from gatetrail.identity.standing import Standing
from gatetrail.mcp import Adapter
from gatetrail.policy.load import parse_policy
from gatetrail.runtime.application import open_application
from gatetrail.runtime.gatetrail import Gatetrail
from gatetrail.service.serving import serving
from gatetrail.settings import ServiceSettings
from tests.identity.attacks import all_attacks
from tests.identity.jwks_server import BAD, key_server
from tests.identity.stand import (
    COMPANY,
    PARTNER,
    SECRET,
    claims,
    ec_key,
    ed_key,
    jwk,
    key_set,
    of_partner,
    policy_text,
    rsa_key,
    rules,
    signer,
    token,
)
from tests.mcp.conftest import Gate, Site, make_gate, serve
from tests.mcp.servers import NAME, Sample, build
from tests.mcp.wire import MODERN, Answer

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("C6")]

PATIENCE_S = 10.0
QUICK = KeyLimits(fetch_s=0.5, cool_down_s=0.05, least_age_s=0.05, usual_age_s=0.1, look_s=0.02, retry_s=0.05)
SERVERS = """
servers: {finance: {tier: user, scopes: []}}
scanner: {anonymous_burst: {limit: 100000, window_ms: 1000}}
"""


class Later(SystemClock):
    """The calendar of a day that a test chooses."""

    ahead_s = 0.0

    def now_us(self) -> int:
        return super().now_us() + round(self.ahead_s * 1_000_000)


@dataclass(frozen=True, slots=True)
class Stand:
    """A gated server that is being served."""

    gate: Gate
    sample: Sample
    site: Site
    clock: Later

    async def call(self, made: str) -> Answer:
        """A tool call with this token."""
        return await self.site.client(MODERN, made).call("get_invoice", {"number": 1})

    async def knock(self, made: str) -> httpx.Response:
        """The answer to the same, by whatever bytes a header may have."""
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "get_invoice"}}
        headers = [(b"authorization", f"Bearer {made}".encode())]
        return await self.site.http.post(f"{self.site.url}/mcp", json=message, headers=headers)

    async def passes(self, made: str) -> bool:
        answer = await self.call(made)
        assert answer.status in {200, 401}, answer.body
        return answer.status == 200


@contextlib.asynccontextmanager
async def stand(
    folder: Path, identity: str, limits: KeyLimits | None = None, standing: Standing | None = None
) -> AsyncGenerator[Stand]:
    """A gate under a policy with this `identity`; its keys are kept fresh as `gatetrail serve` does."""
    gate, clock = make_gate(folder / "spool", SERVERS + identity), Later()
    ring = KeyRing(clock, limits)
    verifier = TokenVerifier(gate.policy.document.identity, SECRET, clock, keys=ring)
    stamp = Stamp(gate.clock, gate.ids, instance_id=gate.ids.new_id(), product_version="0.0.0")
    gate = replace(gate, adapter=Adapter(gate.dispatcher, verifier, stamp, gate.ids, standing=standing))
    sample = build("mcpserver")
    gate.adapter.install(sample.server, name=NAME)
    fresh = asyncio.create_task(ring.keep_fresh())
    try:
        async with serve(sample.app()) as site:
            yield Stand(gate, sample, site, clock)
    finally:
        fresh.cancel()
        await asyncio.wait([fresh])


def at_url(url: str, **more: Any) -> str:
    extra = "".join(f", {name}: {value}" for name, value in more.items())
    return f"identity: {{issuers: [{{issuer: '{COMPANY}', audience: gatetrail, keys: {{url: '{url}'{extra}}}}}]}}\n"


def good(key: Any, kid: str, jti: str = "t") -> str:
    header = {"alg": "ES256", "kid": kid}
    return token(header, claims(int(time.time()), jti=jti), signer(key))


async def until(so: Callable[[], Awaitable[bool]]) -> None:
    """Ask until it is so; every wait is bounded."""
    with anyio.fail_after(PATIENCE_S):
        while not await so():  # noqa: ASYNC110 -- nobody tells us
            await anyio.sleep(0.01)


async def until_said(caplog: pytest.LogCaptureFixture, words: str) -> None:
    """Until the log has it."""

    async def said() -> bool:
        return words in caplog.text

    await until(said)


@pytest.mark.requirement("A4", "C5")
async def test_no_attack_gets_past_the_door_and_each_leaves_its_event(tmp_path: Path) -> None:
    rules(tmp_path)
    now_s = int(time.time())
    async with stand(tmp_path, policy_text(tmp_path)) as here:
        attacks = list(all_attacks())
        for attack in attacks:
            answer = await here.knock(attack.make(now_s))
            assert answer.status_code == 401, attack.name
            assert answer.headers["www-authenticate"].startswith('Bearer realm="gatetrail", error="invalid_token"')
        assert here.sample.ran == []
        told = [(attack.name, event.reason_code) for attack, event in zip(attacks, here.gate.refusals(), strict=True)]
        assert told == [(attack.name, attack.reason.value) for attack in attacks]
        assert await here.passes(token({"alg": "RS256", "kid": "c-1"}, claims(now_s)))
        partner = token({"alg": "EdDSA", "kid": "p-2"}, of_partner(now_s, tier="user"), signer(ed_key("partner")))
        assert (await here.call(partner)).error["code"] == -32602  # service by its ceiling, and the tool is for users
    (allowed, denied) = here.gate.decisions()
    assert (allowed.user_id, allowed.actual_tier) == ("ann", "user")
    assert (denied.user_id, denied.actual_tier) == ("partner:ann", "service")


async def test_keys_rotate_while_traffic_runs_and_nobody_is_refused(tmp_path: Path) -> None:
    names = [f"k-{number}" for number in range(4)]
    current, ended, passed = 0, False, 0
    async with (
        key_server(key_set(jwk(ec_key(names[0]), names[0]))) as issuer,
        stand(tmp_path, at_url(issuer.url), QUICK) as here,
    ):

        async def caller(number: int) -> None:
            nonlocal passed
            while not ended:
                name = names[current]
                assert await here.passes(good(ec_key(name), name, f"{number}-{passed}")), name
                passed += 1

        async with anyio.create_task_group() as group:
            for number in range(4):
                group.start_soon(caller, number)
            for step in range(1, len(names)):
                # As issuers do: the new key is published first, then used, then the old one is withdrawn.
                issuer.content = key_set(*(jwk(ec_key(name), name) for name in names[step - 1 : step + 1]))
                current, goal = step, passed + 20
                with anyio.fail_after(PATIENCE_S):
                    while passed < goal:  # noqa: ASYNC110
                        await anyio.sleep(0.01)
            ended = True
        issuer.content = key_set(jwk(ec_key(names[-1]), names[-1]))
        old = good(ec_key(names[-2]), names[-2])
        await until(lambda: _refused(here, old))
        assert await here.passes(good(ec_key(names[-1]), names[-1]))
    assert passed >= 60


async def _refused(here: Stand, made: str) -> bool:
    return not await here.passes(made)


async def test_a_withdrawn_key_ends_what_was_verified_with_it_before(tmp_path: Path) -> None:
    old, new = jwk(ec_key("old"), "old"), jwk(ec_key("new"), "new")
    async with key_server(key_set(old, new)) as issuer, stand(tmp_path, at_url(issuer.url), QUICK) as here:
        made = good(ec_key("old"), "old")
        assert await here.passes(made)
        assert await here.passes(made)
        issuer.content = key_set(new)
        await until(lambda: _refused(here, made))
        assert here.gate.refusals()[-1].reason_code == "key_unknown"


async def test_unknown_keys_do_not_make_a_hammer_of_us(tmp_path: Path) -> None:
    async with key_server(key_set(jwk(ec_key("a"), "a"))) as issuer, stand(tmp_path, at_url(issuer.url)) as here:
        assert await here.passes(good(ec_key("a"), "a"))
        for number in range(40):
            assert not await here.passes(good(ec_key("evil"), f"evil-{number}"))
        assert len(issuer.asked) <= 2
        assert {event.reason_code for event in here.gate.refusals()} == {"key_unknown"}


async def test_many_who_wait_for_one_key_set_ask_for_it_once(tmp_path: Path) -> None:
    async with key_server(key_set(jwk(ec_key("a"), "a"))) as issuer:
        issuer.wait_s = 0.3
        async with stand(tmp_path, at_url(issuer.url)) as here:
            answers = await asyncio.gather(*(here.passes(good(ec_key("a"), "a", str(n))) for n in range(20)))
        assert answers == [True] * 20
        assert len(issuer.asked) == 1


@pytest.mark.parametrize("how", BAD)
async def test_a_key_server_that_answers_badly_gives_no_keys_and_takes_none(
    tmp_path: Path, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    mine = key_set(jwk(ec_key("a"), "a"))
    async with key_server(mine) as issuer, key_server(key_set(jwk(ec_key("evil"), "evil"))) as elsewhere:
        async with stand(tmp_path, at_url(issuer.url), QUICK) as here:
            await until(lambda: here.passes(good(ec_key("a"), "a")))
            issuer.answer_badly(how, elsewhere.url)
            await until_said(caplog, f"the key set {issuer.url} ")
            assert await here.passes(good(ec_key("a"), "a", "new token, last good keys"))
            assert not await here.passes(good(ec_key("evil"), "evil"))
        assert elsewhere.asked == []
        assert "its last keys stay in use" in caplog.text


@pytest.mark.parametrize("how", BAD)
async def test_nobody_is_let_in_while_there_were_never_keys(tmp_path: Path, how: str) -> None:
    async with key_server(key_set(jwk(ec_key("a"), "a"))) as issuer:
        issuer.answer_badly(how, issuer.url)
        async with stand(tmp_path, at_url(issuer.url), QUICK) as here:
            started_s = time.monotonic()
            assert not await here.passes(good(ec_key("a"), "a"))
            assert time.monotonic() - started_s < 5
            assert here.gate.refusals()[-1].reason_code == "key_unknown"


async def test_a_key_server_that_is_away_costs_nothing_until_its_keys_are_too_old(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with stand_over_a_server_that_goes(tmp_path) as here:
        made = token(
            {"alg": "ES256", "kid": "a"}, claims(int(time.time()), exp=int(time.time()) + 7200), signer(ec_key("a"))
        )
        assert await here.passes(made)
        assert await here.passes(good(ec_key("a"), "a", "another"))
        here.clock.ahead_s = 601
        assert not await here.passes(made)
        assert here.gate.refusals()[-1].reason_code == "key_unknown"
        await until_said(caplog, "its tokens are refused")
        here.clock.ahead_s = 0
        assert await here.passes(made)


@contextlib.asynccontextmanager
async def stand_over_a_server_that_goes(folder: Path) -> AsyncGenerator[Stand]:
    async with contextlib.AsyncExitStack() as stack:
        async with key_server(key_set(jwk(ec_key("a"), "a"))) as issuer:
            identity = at_url(issuer.url, max_stale_s=600)
            here = await stack.enter_async_context(stand(folder, identity, QUICK))
            await until(lambda: here.passes(good(ec_key("a"), "a", "first")))
        yield here


async def test_a_key_file_is_read_again_when_it_is_replaced_and_kept_when_it_is_broken(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_bytes(key_set(jwk(ec_key("one"), "one")))
    identity = f"identity: {{issuers: [{{issuer: '{COMPANY}', audience: gatetrail, keys: {{file: {file}}}}}]}}\n"
    async with stand(tmp_path, identity, QUICK) as here:
        await until(lambda: here.passes(good(ec_key("one"), "one")))
        file.write_bytes(key_set(jwk(ec_key("one"), "one"))[:-9])
        await anyio.sleep(0.1)
        assert await here.passes(good(ec_key("one"), "one", "again"))
        fresh = tmp_path / "keys.new"
        fresh.write_bytes(key_set(jwk(ec_key("two"), "two")))
        fresh.replace(file)
        await until(lambda: here.passes(good(ec_key("two"), "two")))
        assert not await here.passes(good(ec_key("one"), "one"))
        file.unlink()
        await anyio.sleep(0.1)
        assert await here.passes(good(ec_key("two"), "two", "again"))


async def test_a_change_of_the_policy_ends_what_was_verified_under_the_old_one(tmp_path: Path) -> None:
    async with key_server(key_set(jwk(ec_key("a"), "a"))) as issuer, stand(tmp_path, at_url(issuer.url), QUICK) as here:
        made = good(ec_key("a"), "a")
        await until(lambda: here.passes(made))
        dispatcher = here.gate.dispatcher
        for text, passes in [
            (at_url(issuer.url).replace("audience: gatetrail", "audience: another"), False),
            (at_url(issuer.url), True),
            (at_url(issuer.url).replace(COMPANY, PARTNER), False),
            ("", False),
        ]:
            dispatcher.adopt(Gates(parse_policy(SERVERS + text, "policy.yaml"), dispatcher.gates.state))
            assert await here.passes(made) is passes, text


@dataclass(frozen=True)
class Watched:
    """Objects to one token from a moment on."""

    gone: set[str]

    def admitted(self, caller: Authenticated) -> Authenticated | Refused:
        assert caller.issued_at_s is not None
        if caller.token_id in self.gone:
            return Refused(IdentityRefusal.TOKEN_REVOKED, "the token was revoked; get a new one", caller.user_id)
        return caller


async def test_who_lost_their_standing_is_refused_with_a_token_that_was_verified_before(tmp_path: Path) -> None:
    watched = Watched(set())
    async with (
        key_server(key_set(jwk(ec_key("a"), "a"))) as issuer,
        stand(tmp_path, at_url(issuer.url), standing=watched) as here,
    ):
        made = good(ec_key("a"), "a", "t-1")
        assert await here.passes(made)
        watched.gone.add("t-1")
        assert not await here.passes(made)
        assert await here.passes(good(ec_key("a"), "a", "t-2"))
        assert [event.reason_code for event in here.gate.refusals()] == ["token_revoked"]


async def test_weak_keys_are_not_used_and_said_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    weak = rsa_key("weak", 1024)
    entries = jwk(weak, "weak"), jwk(rsa_key("company"), "c-1")
    async with key_server(key_set(*entries)) as issuer, stand(tmp_path, at_url(issuer.url)) as here:
        now_s = int(time.time())
        assert not await here.passes(token({"alg": "RS256", "kid": "weak"}, claims(now_s), signer(weak)))
        assert await here.passes(token({"alg": "RS256", "kid": "c-1"}, claims(now_s)))
    assert "keys[0]: it has 1024 bits; expected 2048 to 8192" in caplog.text


@pytest.mark.postgres
async def test_the_service_takes_an_issuers_tokens_from_its_first_request_on(dsn: str, tmp_path: Path) -> None:
    async with key_server(key_set(jwk(ec_key("a"), "a"))) as issuer:
        policy = parse_policy(SERVERS + at_url(issuer.url), "policy.yaml")
        secret = SecretStr(SECRET.decode())
        settings = ServiceSettings(dsn=SecretStr(dsn), data_dir=tmp_path, jwt_secret=secret)
        async with (
            Gatetrail.open(policy, settings=settings, sinks=False) as gate,
            open_application(gate, settings, {"finance": build("mcpserver").server}) as app,
            serving(app, grace_s=2) as url,
            httpx.AsyncClient(timeout=PATIENCE_S) as http,
        ):
            site = Site(url, http)
            wire = site.client(MODERN, good(ec_key("a"), "a"))
            wire.url = f"{url}/mcp/finance"
            assert (await wire.call("get_invoice", {"number": 1})).result
            wire.token = good(ec_key("evil"), "a")
            refused = await wire.call("get_invoice", {"number": 1})
            assert refused.status == 401
            metadata = f"{url}/.well-known/oauth-protected-resource/mcp/finance"
            assert f'resource_metadata="{metadata}"' in refused.headers["www-authenticate"]
            document = (await http.get(metadata)).json()
            assert document["resource"] == f"{url}/mcp/finance"
            assert document["authorization_servers"] == [COMPANY]
