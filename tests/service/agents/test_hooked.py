"""What agents report reaches the hooks of the policy, and one of them can keep an agent from a prompt."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatetrail.call import Origin
from gatetrail.hooks import Facts, HookDenial
from gatetrail.identity.caller import Authenticated, AuthMethod
from gatetrail.identity.tiers import CallerType, Tier
from gatetrail.policy.hooks import HookMoment
from gatetrail.policy.model import Policy
from gatetrail.service.agents.reception import Blocked, Passed, Reception
from gatetrail.service.agents.report import Report
from gatetrail.service.agents.visit import Visit
from gatetrail.words import ReasonCode
from tests.service.agents.conftest import agent_of, denial_in
from tests.service.api.conftest import Service, serving_api

pytestmark = [pytest.mark.anyio, pytest.mark.postgres, pytest.mark.requirement("D5")]

ANN = Authenticated("ann", Tier.USER, Tier.USER, CallerType.USER, AuthMethod.BEARER)
VISIT = Visit("claude-code", "claude-code", ANN, Origin("127.0.0.1"), "0" * 31 + "1")


class Hooked:
    """Denies prompts, and remembers what was fired."""

    def __init__(self) -> None:
        self.fired: list[tuple[HookMoment, Facts]] = []

    async def fire(self, policy: Policy, moment: HookMoment, facts: Facts) -> HookDenial | None:
        self.fired.append((moment, facts))
        if moment is not HookMoment.USER_PROMPT_SUBMIT:
            return None
        return HookDenial("no-prompts", ReasonCode.HOOK_DENIED, f"not under {policy.source}")


async def test_every_moment_but_the_dispatchers_own_is_fired_once_it_is_recorded(service: Service) -> None:
    hooked, gate = Hooked(), service.gate
    reception = Reception(gate.dispatcher, gate.recording.agent_calls, gate.stamp, hooked)
    for moment in HookMoment:
        tool = "Read" if moment.value.endswith(("tool_use", "tool_use_failure")) else None
        answer = await reception.receive(VISIT, Report(moment, f"s-hooked-{moment.value}", tool_name=tool))
        if moment is HookMoment.USER_PROMPT_SUBMIT:
            assert answer == Blocked("not under policy.yaml")
        else:
            assert isinstance(answer, Passed)
    assert [moment for moment, _ in hooked.fired] == [one for one in HookMoment if one is not HookMoment.PRE_TOOL_USE]
    recorded = {event.event_id for event in await service.events()}
    for moment, facts in hooked.fired:
        assert facts.keys["event_id"] in recorded
        assert facts.keys["event_name"] == f"lifecycle.{moment.value}"
        assert (facts.user, facts.server) == ("ann", "claude-code")


async def test_a_hook_of_the_policy_keeps_an_agent_from_a_tool_and_from_a_prompt(dsn: str, tmp_path: Path) -> None:
    program = tmp_path / "no"
    program.write_text("#!/bin/sh\necho 'not on a Friday' >&2\nexit 2\n")
    program.chmod(0o755)
    hooks = [
        f"  - {{id: {event}, event: {event}, command: {{argv: [{program}]}}}}"
        for event in ("pre_tool_use", "user_prompt_submit")
    ]
    policy = "\n".join(["servers: {claude-code: {tier: user}}", "hooks:", *hooks])
    async with serving_api(dsn, tmp_path / "data", policy, hooks={"commands": [str(program)]}) as service:
        agent = agent_of(service, "s-friday")
        assert "Denied by hook gate: not on a Friday" in (denial_in(await agent.asks()) or "")
        assert await agent.rows() == [("Bash", "denied", None)]
        prompt = await agent.report("UserPromptSubmit")
        assert (prompt.status_code, prompt.json()) == (200, {"decision": "block", "reason": "not on a Friday"})
