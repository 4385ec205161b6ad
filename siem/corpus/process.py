"""One life of the service, with what can be done to it. Each thing gives the events that it led to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from gatetrail.call import Call, Ids, Origin
from gatetrail.dispatcher import Admitted
from gatetrail.identity.bearer import mint
from gatetrail.identity.caller import Authenticated, AuthMethod
from gatetrail.identity.tiers import CallerType
from gatetrail.policy.model import Policy
from gatetrail.runtime.gatetrail import Gatetrail
from gatetrail.runtime.heartbeat import INTERVAL_S
from gatetrail.runtime.recording import RECOVERY_INTERVAL_S
from gatetrail.words import ExecutionStatus
from siem.corpus.expectation import ALLOWED, Expectation, keeps
from siem.corpus.house import House
from siem.corpus.people import Who
from siem.corpus.step import Step
from siem.corpus.surroundings import Pauses
from siem.corpus.wire import Wire

TOKEN_LIFE_S = 86_400
NOBODY = Who("nobody", ip="203.0.113.200", client=None)
"""Who comes without a token."""


class Recorder(Protocol):
    """Of the stage."""

    async def step(self, *, ends_with: str | None = None, at_least: int = 0) -> Step:
        """What was recorded since the last step; waits until there is so much, and the last has that name."""
        ...

    def expected(self, expected: Expectation, step: Step) -> None:
        """Keeps what the script expects for the rules that ask for no more. Raises when it came otherwise."""
        ...


@dataclass(frozen=True, slots=True)
class Begun:
    """A call under way."""

    step: Step
    admitted: Admitted

    @property
    def id(self) -> str:
        """Of its decision."""
        return self.step.id


class Process:
    """Made by `Stage.process`."""

    def __init__(
        self, gate: Gatetrail, wire: Wire, house: House, pauses: Pauses, recorder: Recorder, secret: bytes
    ) -> None:
        self.gate = gate
        self.wire = wire
        self.house = house
        self.opening = Step(())
        """What its start led to."""
        self._pauses = pauses
        self._recorder = recorder
        self._secret = secret
        self._tokens: dict[Who, tuple[int, str]] = {}

    async def call(
        self,
        who: Who | None,
        tool: str,
        expected: Expectation = ALLOWED,
        *,
        server: str = "finance",
        arguments: Mapping[str, Any] | None = None,
        takes_ms: float = 12.5,
        trace: str | None = None,
        fails: bool = False,
    ) -> Step:
        """A tool call over MCP and HTTP, to its end. None: somebody without a token."""
        self.house.takes_ms, self.house.fails = takes_ms, fails
        caller = who or NOBODY
        params = {"name": tool, "arguments": dict(arguments or {})}
        await self.ask("tools/call", params, who, server=server, trace=trace)
        step = await self._recorder.step()
        self.check(expected, step, caller)
        return step

    async def ask(
        self,
        method: str,
        params: Mapping[str, Any],
        who: Who | None,
        *,
        server: str = "finance",
        trace: str | None = None,
    ) -> None:
        """Any request over MCP and HTTP; what it led to belongs to the next step."""
        headers = {} if trace is None else {"traceparent": f"00-{trace}-{trace[:16]}-01"}
        await self.wire.mcp(server, method, params, who or NOBODY, self.token(who), **headers)

    async def inside(self, who: Who, tool: str, expected: Expectation = ALLOWED, *, server: str = "finance") -> Step:
        """A call that a program in the same process makes, to its end: it comes from no address, by no client."""
        ids = Ids(self.gate.ids.new_id().replace("-", ""), session_id=who.session)
        call = Call(server, tool, ids, origin=Origin(None, who.agent))
        kind = CallerType(who.tier.value)
        caller = Authenticated(who.user, who.tier, who.tier, kind, AuthMethod.EMBEDDED, issuer="gatetrail")
        admitted = await self.gate.dispatcher.admit(call, caller)
        if isinstance(admitted, Admitted):
            await self.gate.dispatcher.finish(admitted, ExecutionStatus.SUCCESS)
        step = await self._recorder.step()
        self.check(expected, step, who)
        return step

    async def begin(self, who: Who, tool: str, *, server: str = "finance") -> Begun:
        """A call whose end does not come, through the dispatcher's own door."""
        ids = Ids(self.gate.ids.new_id().replace("-", ""))
        call = Call(server, tool, ids, origin=Origin(who.ip, who.agent))
        caller = await self.gate.verifier.prove(self.token(who) or "")
        admitted = await self.gate.dispatcher.admit(call, caller)
        if not isinstance(admitted, Admitted):
            raise TypeError(f"{who.user} called {tool}: {admitted}")
        step = await self._recorder.step()
        self.check(ALLOWED, step, who)
        return Begun(step, admitted)

    async def finish(self, begun: Begun) -> Step:
        """The end of such a call, after all."""
        await self.gate.dispatcher.finish(begun.admitted, ExecutionStatus.SUCCESS)
        return await self._recorder.step()

    async def list_tools(self, who: Who, *, trace: str | None = None) -> Step:
        """What a caller is shown."""
        await self.ask("tools/list", {}, who, trace=trace)
        return await self._recorder.step()

    async def in_session(self, session: str, who: Who, method: str, params: Mapping[str, Any]) -> Step:
        """A request with the header of a session, which may be another's."""
        await self.wire.mcp("finance", method, params, who, self.token(who), **{"mcp-session-id": session})
        return await self._recorder.step()

    async def refused(self, who: Who, token: str) -> Step:
        """A call with a token that proves nothing."""
        await self.wire.mcp("finance", "tools/list", {}, who, token)
        return await self._recorder.step()

    async def get(self, path: str, who: Who, token: str | None = None) -> Step:
        """Whatever a probe asks for."""
        await self.wire.get(path, who, token)
        return await self._recorder.step()

    async def hook(self, who: Who, body: Mapping[str, Any], expected: Expectation | None = None) -> Step:
        """A moment that a coding agent reports. With an expectation it is one that is decided on."""
        await self.wire.post("/hooks/claude-code", body, who, self.token(who))
        step = await self._recorder.step()
        if expected is not None:
            self.check(expected, step, who)
        return step

    async def adopt(self, policy: Policy) -> Step:
        """Put another policy in force."""
        await self.gate.adopt(policy)
        return await self._recorder.step()

    async def recover(self, count: int) -> Step:
        """The next look for what could not be recorded is due; it finds so many events."""
        await self._pauses.end(RECOVERY_INTERVAL_S)
        return await self._recorder.step(at_least=count)

    async def beat(self) -> Step:
        """The minute is over."""
        await self._pauses.end(INTERVAL_S)
        return await self._recorder.step(ends_with="audit.heartbeat")

    def token(self, who: Who | None) -> str | None:
        """One for each caller and day."""
        if who is None:
            return None
        now_s = self.gate.clock.now_us() // 1_000_000
        made_s, token = self._tokens.get(who, (0, ""))
        if now_s - made_s >= TOKEN_LIFE_S:
            token = self._mint(who)
            self._tokens[who] = now_s, token
        return token

    def _mint(self, who: Who) -> str:
        return mint(
            self.gate.policy.document.identity,
            self._secret,
            self.gate.clock,
            self.gate.ids,
            user=who.user,
            tier=who.tier,
            roles=who.roles,
            department=who.department,
            scopes=who.scopes,
            ttl_s=TOKEN_LIFE_S,
            session_id=who.session,
            client_id=who.client,
            caller_type=who.caller_type,
        )

    def check(self, expected: Expectation, step: Step, who: Who) -> None:
        """Hold the one decision of a step against what was expected, and keep that."""
        decided = step.only("tool_call.decided")
        if not keeps(expected, decided):
            raise AssertionError(f"{who.user} expected {expected}, the product decided: {dict(decided)}")
        self._recorder.expected(expected, step)
