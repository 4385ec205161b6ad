"""The policy file's `hooks`: what is asked, or told, outside at ten moments."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from gatetrail.policy.part import Name, Pattern, PolicyPart
from gatetrail.words import GateName


class HookMoment(StrEnum):
    """What a hook can hang on; the words are those of the events `lifecycle.*`."""

    PRE_TOOL_USE = "pre_tool_use"
    POST_TOOL_USE = "post_tool_use"
    """A call has ended well."""
    POST_TOOL_USE_FAILURE = "post_tool_use_failure"
    """A call has failed or run into its time limit; or was denied, for hooks that ask for denials."""
    SESSION_START = "session_start"
    SESSION_END = "session_end"
    USER_PROMPT_SUBMIT = "user_prompt_submit"
    """This one and those below happen in agents, which report them."""
    NOTIFICATION = "notification"
    STOP = "stop"
    SUBAGENT_START = "subagent_start"
    SUBAGENT_STOP = "subagent_stop"


DECIDING = frozenset({HookMoment.PRE_TOOL_USE, HookMoment.USER_PROMPT_SUBMIT})
"""At these a hook is asked and can deny; at the others it is told."""

ABOUT_TOOLS = frozenset({HookMoment.PRE_TOOL_USE, HookMoment.POST_TOOL_USE, HookMoment.POST_TOOL_USE_FAILURE})


class HookDecision(StrEnum):
    """What became of a call."""

    ALLOW = "allow"
    DENY = "deny"


class OnFailure(StrEnum):
    """What counts when a hook that is asked gives no answer."""

    DENY = "deny"
    ALLOW = "allow"


class HookArguments(StrEnum):
    """What a hook sees of the arguments of a call."""

    NONE = "none"
    REDACTED = "redacted"
    """The preview, as `redaction` lets it stand in the record."""


class HookMatch(PolicyPart):
    """What it is for. All that is named must fit; what is not named fits always."""

    servers: tuple[Pattern, ...] = ()
    tools: tuple[Pattern, ...] = ()
    """Also names of prompts and URIs of resources."""
    pattern: Annotated[str, Field(min_length=1, max_length=1_000)] | None = None
    """In RE2's syntax, looked for in the name of the tool as it came. With `tools` both must fit."""
    users: tuple[Pattern, ...] = ()
    """By the proven user id; who is anonymous fits none."""
    decisions: frozenset[HookDecision] = frozenset({HookDecision.ALLOW})
    """For `post_tool_use_failure`: calls that were allowed and failed, calls that were denied, or both."""
    gates: frozenset[GateName] = frozenset()
    """The gates whose denials count; none means all."""


class HookCommand(PolicyPart):
    """A program of the machine that the service runs on. It is one that service.yaml allows."""

    argv: tuple[Annotated[str, Field(max_length=4_096)], ...] = Field(
        min_length=1, max_length=64, examples=[["/opt/gatetrail/hooks/freeze", "--strict"]]
    )
    """Program, by its absolute path, and arguments. No shell reads them."""
    folder: str = "/"
    """Where it runs."""
    environment: frozenset[Name] = frozenset()
    """Variables of the service's environment that it gets besides PATH; service.yaml has to allow them too."""


class HookWebhook(PolicyPart):
    """A POST to somebody's HTTP endpoint. Redirects are not followed."""

    url: Annotated[str, Field(max_length=2_000, examples=["https://hooks.example.com/gatetrail"])]
    """https, or http to a loopback address."""
    secret: Name | None = None
    """The name of the secret in service.yaml that signs; None: what is sent has no signature."""
    headers: dict[Name, Annotated[str, Field(max_length=1_000)]] = Field(default={})
    """Sent along. No place for secrets."""


class Hook(PolicyPart):
    """One action at one moment."""

    # `async` is the word for it, and none that Python lets a field have.
    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
    event: HookMoment
    match: HookMatch = HookMatch()
    command: HookCommand | None = None
    """Either this or `webhook`."""
    webhook: HookWebhook | None = None
    arguments: HookArguments = HookArguments.NONE
    time_limit_ms: Annotated[int, Field(ge=10, le=60_000)] = 5_000
    """For one run, or one try, with the wait for its turn."""
    on_failure: OnFailure = OnFailure.DENY
    """For a hook that is asked."""
    runs_aside: bool = Field(default=False, alias="async")
    """True: a hook that could be asked is only told, and nothing waits for it."""

    @property
    def decides(self) -> bool:
        """Whether it is asked, and can deny."""
        return self.event in DECIDING and not self.runs_aside
