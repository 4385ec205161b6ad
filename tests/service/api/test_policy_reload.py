"""`POST /v1/policy/reload` has the file read, tells what came of it, and leaves who asked in the record."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from gatetrail.events.model import PolicyChanged, PolicyRejected
from gatetrail.identity.tiers import Tier
from gatetrail.policy.load import parse_policy
from gatetrail.runtime import Gatetrail
from gatetrail.runtime.application import open_application
from gatetrail.service.serving import serving
from gatetrail.settings import ServiceSettings
from tests.service.api.conftest import KEY, SECRET, WITHIN_S, Service

pytestmark = pytest.mark.anyio

FIRST = "servers: {finance: {tier: user, tools: {pay: {tier: admin}}}}\n"
SECOND = "servers: {finance: {tier: user, tools: {pay: {tier: user}}}}\n"
BAD = "servers:\n  finance: {tier: root}\nblocklist:\n- {id: x, reason: r}\n"
PATH = "/v1/policy/reload"


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("policy") / "policy.yaml"
    path.write_text(FIRST)
    return path


@pytest.fixture(scope="module")
async def service(module_dsn: str, file: Path) -> AsyncIterator[Service]:
    """With a policy file, which is read only when it is asked for."""
    settings = ServiceSettings(
        dsn=SecretStr(module_dsn),
        data_dir=file.parent / "data",
        jwt_secret=SecretStr(SECRET),
        redaction_key=SecretStr(KEY),
        policy=file,
        watch_policy=False,
    )
    async with (
        Gatetrail.open(settings=settings, sinks=False) as gate,
        open_application(gate, settings, {}) as app,
        serving(app, grace_s=2) as url,
        httpx.AsyncClient(base_url=url, timeout=WITHIN_S) as http,
    ):
        yield Service(gate, url, http, module_dsn)


@pytest.fixture
async def head(service: Service, file: Path) -> int:
    """Where the journal ends before the test, with the first policy in force."""
    file.write_text(FIRST)
    await service.gate.reload()
    return await service.head_seq()


def admin(service: Service) -> dict[str, str]:
    return service.as_user("root@example.com", Tier.ADMIN)


def version_of(text: str) -> str:
    return parse_policy(text, "policy.yaml").version


@pytest.mark.requirement("D2")
async def test_a_change_is_told_with_its_differences(service: Service, file: Path, head: int) -> None:
    file.write_text(SECOND)
    answer = await service.http.post(PATH, headers=admin(service))
    told = answer.json()
    assert answer.status_code == 200
    assert (told["outcome"], told["version"], told["previous_version"]) == (
        "changed",
        version_of(SECOND),
        version_of(FIRST),
    )
    assert told["changes"] == ["servers.finance.tools.pay.tier: admin → user"]
    assert told["source"] == str(file)
    assert told["instance_id"] == service.gate.instance_id
    (event,) = [event for event in await service.events(head) if isinstance(event, PolicyChanged)]
    assert (event.user_id, event.policy_version) == ("root@example.com", version_of(SECOND))
    shown = (await service.get("/v1/policy")).json()
    assert {key: shown[key] for key in told if key != "outcome"} == {key: told[key] for key in told if key != "outcome"}


async def test_what_was_in_force_already_is_told_and_no_event(service: Service, head: int) -> None:
    answer = await service.http.post(PATH, headers=admin(service))
    assert (answer.status_code, answer.json()["outcome"], answer.json()["version"]) == (
        200,
        "unchanged",
        version_of(FIRST),
    )
    assert [event for event in await service.events(head) if isinstance(event, PolicyChanged | PolicyRejected)] == []


@pytest.mark.requirement("D2")
async def test_a_bad_file_is_refused_with_every_complaint_and_its_line(service: Service, file: Path, head: int) -> None:
    file.write_text(BAD)
    answer = await service.http.post(PATH, headers=admin(service))
    told = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert (told["code"], told["version"], told["status"]) == ("policy_invalid", version_of(FIRST), 422)
    assert [(one["line"], one["path"]) for one in told["complaints"]] == [
        (2, "servers.finance.tier"),
        (4, "blocklist[0]"),
    ]
    (event,) = [event for event in await service.events(head) if isinstance(event, PolicyRejected)]
    assert event.user_id == "root@example.com"
    assert f"{file}:2: servers.finance.tier" in event.reason
    assert f"{file}:4: blocklist[0]" in event.reason
    assert service.gate.policy.version == version_of(FIRST)


@pytest.mark.parametrize("caller", ["nobody", "user", "auditor"])
async def test_nobody_but_an_administrator_may(service: Service, file: Path, head: int, caller: str) -> None:
    file.write_text(SECOND)
    headers = {"nobody": {}, "user": service.as_user(), "auditor": service.as_auditor()}[caller]
    answer = await service.http.post(PATH, headers=headers)
    assert answer.status_code == (401 if caller == "nobody" else 403)
    assert answer.headers["content-type"] == "application/problem+json"
    (refusal,) = await service.refusals(head)
    assert refusal.endpoint == PATH
    assert service.gate.policy.version == version_of(FIRST)


async def test_get_reloads_nothing(service: Service, file: Path, head: int) -> None:  # noqa: ARG001 -- it resets
    file.write_text(SECOND)
    assert (await service.http.get(PATH, headers=admin(service))).status_code == 405
    assert service.gate.policy.version == version_of(FIRST)


async def test_without_a_file_there_is_nothing_to_read(module_dsn: str, tmp_path: Path) -> None:
    from tests.service.api.conftest import serving_api

    async with serving_api(module_dsn, tmp_path) as service:
        answer = await service.http.post(PATH, headers=admin(service))
        assert (answer.status_code, answer.json()["code"]) == (409, "no_policy_file")
