"""One run of one hook, wherever its action is: what the asking and the telling side share."""

from __future__ import annotations

from collections.abc import Mapping

from gatetrail.clock import Clock
from gatetrail.hooks.answers import Answer, HookFailure, Passes
from gatetrail.hooks.command import run_command
from gatetrail.hooks.turns import Turns
from gatetrail.hooks.webhook import Post, Webhooks
from gatetrail.policy.hooks import Hook
from gatetrail.policy.permits import Permits


class Outside:
    """Runs actions that the service allows, so many at a time."""

    def __init__(
        self, permits: Permits, environment: Mapping[str, str], webhooks: Webhooks, clock: Clock, turns: Limits
    ) -> None:
        self.permits = permits
        self._environment = environment
        self._webhooks = webhooks
        self._clock = clock
        self._turns = turns

    @property
    def waiting(self) -> int:
        """How many that are asked wait for their turn."""
        return self._turns.asked_programs.waiting + self._turns.asked_webhooks.waiting

    async def ask(self, hook: Hook, body: bytes, event_id: str) -> Answer:
        """The answer of one run. Raises `HookFailure`. The time limit is the caller's to keep."""
        if hook.command is not None:
            self._check_command(hook.command.argv[0])
            async with self._turns.asked_programs.turn():
                return await run_command(hook.command, self._environment, body)
        if hook.webhook is not None:
            self._check_url(hook.webhook.url)
            async with self._turns.asked_webhooks.turn():
                return await self._webhooks.ask(hook.webhook, self._post(hook, body, event_id))
        return Passes()

    async def tell(self, hook: Hook, body: bytes, event_id: str) -> None:
        """One run, or one try, of which the answer does not count. Raises `HookFailure`."""
        if hook.command is not None:
            self._check_command(hook.command.argv[0])
            async with self._turns.told_programs.turn():
                await run_command(hook.command, self._environment, body)
        if hook.webhook is not None:
            self._check_url(hook.webhook.url)
            await self._webhooks.tell(hook.webhook, self._post(hook, body, event_id))

    async def close(self) -> None:
        """Close the connections."""
        await self._webhooks.close()

    def _post(self, hook: Hook, body: bytes, event_id: str) -> Post:
        return Post(hook, body, event_id, self._clock.now_us() // 1_000_000)

    # The policy was refused for these when it was loaded; whoever made it otherwise does not get past here.
    def _check_command(self, program: str) -> None:
        if not self.permits.may_run(program):
            raise HookFailure("the service does not allow its command")

    def _check_url(self, url: str) -> None:
        if not self.permits.may_reach(url):
            raise HookFailure("the service does not let webhooks go to its host")


class Limits:
    """What runs at a time in one process. Hooks that are told never keep those waiting that are asked."""

    def __init__(self, max_programs: int, max_webhooks: int, max_waiting: int) -> None:
        self.asked_programs = Turns(max_programs, max_waiting)
        self.asked_webhooks = Turns(max_webhooks, max_waiting)
        self.told_programs = Turns(max_programs, UNBOUNDED)


UNBOUNDED = 1 << 30
"""Lanes bound what is told."""
