"""Events of what governs calls: the policy, its hooks, the store of its rates."""

from __future__ import annotations

from typing import Literal

from gatetrail.events.fields import Identifier, Milliseconds, Record, Sentence, ShortName


class PolicyChanged(Record):
    """Another policy is in force."""

    event_name: Literal["policy.changed"] = "policy.changed"
    policy_version: ShortName
    """The policy now in force."""
    previous_policy_version: ShortName | None = None
    """The one before; absent at the start of a process."""
    policy_source: Identifier
    """The file, or where else it came from."""
    shadow_policy_version: ShortName | None = None
    """The policy that is decided beside it and only recorded; absent when there is none."""
    changes: tuple[Sentence, ...] | None = None
    """What is different, a sentence for each difference."""


class PolicyRejected(Record):
    """A policy file was refused; the one before stays in force."""

    event_name: Literal["policy.rejected"] = "policy.rejected"
    policy_version: ShortName
    """The policy that stays in force."""
    policy_source: Identifier
    """The file that was refused."""
    reason: Sentence
    """What is wrong, with file and line."""


class HookRan(Record):
    """An external action of a hook was run to its end."""

    event_name: Literal["hook.ran"] = "hook.ran"
    hook_id: Identifier
    """The hook, by its name in the policy."""
    hook_event: ShortName
    """The moment that it hangs on."""
    hook_action: Literal["command", "webhook"]
    """What was run."""
    hook_outcome: Literal["passed", "denied"]
    """What it said. One that is only told of something always passes."""
    latency_ms: Milliseconds
    """What it took, with all tries, in milliseconds."""
    reason: Sentence | None = None
    """Why it denied, in its own words."""
    execution_id: Identifier | None = None
    """The decision that it belongs to."""


class HookFailed(Record):
    """An external action of a hook failed or ran into its time limit."""

    event_name: Literal["hook.failed"] = "hook.failed"
    hook_id: Identifier
    """The hook, by its name in the policy."""
    hook_event: ShortName
    """The moment that it hangs on."""
    reason: Sentence
    """What went wrong, as a sentence."""
    execution_id: Identifier | None = None
    """The decision that it belongs to."""


class RateStoreFailed(Record):
    """The shared store of the rate limits does not answer this process, which goes on without it."""

    event_name: Literal["rate_store.failed"] = "rate_store.failed"
    store: ShortName
    """Which kind of store: `postgres` or `valkey`."""
    reason: Sentence
    """What went wrong, as a sentence."""


class RateStoreRecovered(Record):
    """The shared store of the rate limits answers this process again."""

    event_name: Literal["rate_store.recovered"] = "rate_store.recovered"
    store: ShortName
    """Which kind of store: `postgres` or `valkey`."""
    reason: Sentence
    """What had gone wrong, as a sentence."""
