"""Mutants of `impossible_travel`."""

from __future__ import annotations

from collections.abc import Iterator

from siem.proof.mutations.baselines import ALLOW
from siem.proof.mutations.edits import SECOND_US, at_us, earlier, renamed, saying, time_us
from siem.proof.mutations.mutant import Mutant
from siem.proof.mutations.role import Role, spoiled
from siem.proof.mutations.scene import ALLOWED, DECIDED, Scene

DAY_US = 86_400 * SECOND_US
FAR = "198.51.100.14"
"""Singapore, which is far from all places that the sample events start from."""


def impossible_travel(scene: Scene) -> Iterator[Mutant]:
    """The call, those before it, where they came from, and when."""
    call = Role("the call", [scene.event], ALLOWED, ("user_id", "src_ip"))
    yield from spoiled(scene.rule, scene.events, scene.id, call)
    before = [event for event in scene.before(ALLOWED, "user_id") if time_us(event) >= scene.us - DAY_US]
    role = Role("the calls before", before, ALLOWED, ("user_id", "src_ip"))
    yield from spoiled(scene.rule, scene.events, scene.id, role)
    yield scene.lost("nobody has a user_id", scene.edited(renamed("user_id"), *before, scene.event))
    same = saying(src_ip=scene.event["src_ip"])
    yield scene.lost("the calls before: from the same place", scene.edited(same, *before))
    yield scene.lost("the calls before: a day earlier", scene.edited(earlier(DAY_US), *before))
    yield scene.lost("the calls before: @timestamp renamed", scene.edited(renamed("@timestamp"), *before))


def nearly_travelled(scene: Scene, why: str) -> Mutant:
    """Further away, sooner, allowed, and by the same user."""
    before = scene.before(ALLOWED, "user_id")
    nearest = scene.before(ALLOWED)[-1:]
    denied = scene.before(DECIDED, "user_id")
    ways = [
        scene.edited(saying(src_ip=FAR)),
        scene.edited(ALLOW),
        scene.edited(ALLOW, *denied) if denied else scene.events,
        scene.edited(saying(user_id=scene.event.get("user_id")), *nearest) if nearest else scene.events,
    ]
    if before:
        soon_us = time_us(before[-1]) + 60 * SECOND_US
        ways.append(scene.edited(lambda event: at_us(event, soon_us)))
    return scene.found(why, *ways)
