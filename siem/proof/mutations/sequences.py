"""Mutants of rules that look at what came before or after a call."""

from __future__ import annotations

from collections.abc import Iterator

from siem.golden import Event
from siem.proof.asking import asked_at, microseconds
from siem.proof.mutations.baselines import ALLOW, TOOL, used_before
from siem.proof.mutations.edits import SECOND_US, at_us, earlier, renamed, saying, time_us, twin, with_after
from siem.proof.mutations.mutant import Mutant
from siem.proof.mutations.role import ANOTHER, Role, spoiled, undone
from siem.proof.mutations.scene import ALLOWED, DENIED, Scene, other_words

BURST_US, BURST = 600 * SECOND_US, 5
NOT_RATE = other_words("gate", "rate_limit")
PENDING_US = 300 * SECOND_US
FORTNIGHT_US = 14 * 86_400 * SECOND_US
BY_POLICY = {**DENIED, "gate": frozenset({"scope", "blocklist"})}
ENDINGS = ("tool_call.completed", "execution.orphaned")


def denied_burst_then_allowed(scene: Scene) -> Iterator[Mutant]:
    """The call, one denial too few, and an allowed call in between."""
    call = Role("the call", [scene.event], ALLOWED, ("user_id",))
    yield from spoiled(scene.rule, scene.events, scene.id, call)
    says = {**DENIED, "gate": NOT_RATE}
    begin_us = scene.us - BURST_US
    denials = [event for event in scene.before(says, "user_id") if time_us(event) >= begin_us]
    surplus = denials[: 1 - BURST]
    role = Role("all denials but four", surplus, says, ("user_id",), not_before_us=begin_us)
    yield from spoiled(scene.rule, scene.events, scene.id, role)
    yield scene.lost("the call just before it is allowed", scene.edited(ALLOW, denials[-1]))


def nearly_burst(scene: Scene, why: str) -> Mutant:
    """With more denials, of the same user, in time, not of the rate, and right before it."""
    begin_us = scene.us - BURST_US
    own = scene.before(DENIED, "user_id")
    recent = [event for event in scene.before(DENIED) if time_us(event) >= begin_us]
    late = [event for event in own if time_us(event) < begin_us]
    last = (own or recent)[-1]
    ways = [
        scene.with_more(*(twin(last, f"denial {number}") for number in range(2))),
        scene.edited(lambda event: at_us(event, begin_us), *late) if late else scene.events,
        scene.edited(saying(user_id=scene.event.get("user_id", "somebody")), *recent, scene.event),
        scene.edited(saying(gate="scope"), *own) if own else scene.events,
        scene.edited(saying(decision="deny", gate="scope"), *scene.before(ALLOWED, "user_id")[-1:]),
    ]
    return scene.found(why, *ways)


def call_without_outcome(scene: Scene) -> Iterator[Mutant]:
    """The call, an outcome, and a later call."""
    yield from spoiled(scene.rule, scene.events, scene.id, Role("the call", [scene.event], ALLOWED))
    for name in ENDINGS:
        ending = saying(event_name=name, event_id=twin(scene.event, name)["event_id"], execution_status="failed")
        ended = earlier(-SECOND_US)(ending(scene.event))
        after = [*scene.events, ended]
        yield scene.lost(f"{name} a second later", after)
        role = Role(f"{name} a second later", [ended], {"event_name": frozenset(ENDINGS)}, ("execution_id",))
        yield from undone(scene.rule, after, scene.id, role)
    asked_us = microseconds({"@timestamp": asked_at(scene.events).isoformat()}) or 0
    yield scene.lost("five minutes old", scene.edited(lambda event: at_us(event, asked_us - PENDING_US)))


def nearly_without_outcome(scene: Scene, why: str) -> Mutant:
    """Without its outcome, old enough."""
    call = scene.event["execution_id"]
    asked_us = microseconds({"@timestamp": asked_at(scene.events).isoformat()}) or 0
    outcomes = [event for event in scene.events if event.get("execution_id") == call and event["event_name"] in ENDINGS]
    ways = [
        scene.without(*outcomes),
        scene.edited(lambda event: at_us(event, asked_us - PENDING_US - 1)),
        scene.edited(ALLOW),
    ]
    return scene.found(why, *ways)


def allowed_after_policy_change(scene: Scene) -> Iterator[Mutant]:
    """The call, the denials under the other policy, the change, and that it is the first."""
    version = scene.event["policy_version"]
    keys = ("user_id", *TOOL)
    call = Role("the call", [scene.event], ALLOWED, (*keys, "policy_version"))
    yield from spoiled(scene.rule, scene.events, scene.id, call)
    begin_us = scene.us - FORTNIGHT_US
    denials = [event for event in scene.before(BY_POLICY, *keys) if time_us(event) >= begin_us]
    role = Role("the denials", denials, BY_POLICY, keys, not_before_us=begin_us)
    yield from spoiled(scene.rule, scene.events, scene.id, role)
    yield scene.lost("the denials: policy_version renamed", scene.edited(renamed("policy_version"), *denials))
    yield scene.lost("the denials: under the same policy", scene.edited(saying(policy_version=version), *denials))
    for key in TOOL:
        under_it = scene.edited(saying(policy_version=version), *denials)
        elsewhere = saying(**{key: ANOTHER})(twin(denials[-1], f"denied another {key}"))
        yield scene.lost(f"another {key} was denied before", with_after(under_it, denials[-1], elsewhere))
    changed = {"event_name": frozenset({"policy.changed"})}
    change = Role("the change", scene.before(changed, "policy_version"), changed, ("policy_version",))
    yield from spoiled(scene.rule, scene.events, scene.id, change)
    yield from used_before(scene, ALLOWED, *keys, "policy_version")


def nearly_after_policy_change(scene: Scene, why: str) -> Mutant:
    """The first, allowed, and denied by the policy before the last change."""
    keys = ("user_id", *TOOL, "policy_version")
    changes = scene.before({"event_name": frozenset({"policy.changed"})}, "policy_version")
    ways = [scene.without(*scene.before(ALLOWED, *keys)), scene.edited(ALLOW)]
    ways += [scene.with_more(_denial(scene.event, changes[-1]))] if changes else []
    return scene.found(why, *ways)


def _denial(call: Event, change: Event) -> Event:
    """As if the same call had been denied just before the change, under another policy."""
    denied = saying(decision="deny", gate="scope", policy_version="another", seq=change["seq"] - 1)
    return at_us(denied(twin(call, "denied before")), time_us(change) - SECOND_US)
