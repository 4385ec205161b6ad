"""Mutants of rules that look for what was never there before."""

from __future__ import annotations

from collections.abc import Iterator

from siem.golden import Event
from siem.proof.meaning import Alternative
from siem.proof.mutations.edits import SECOND_US, earlier, saying, time_us, twin
from siem.proof.mutations.mutant import Mutant
from siem.proof.mutations.role import Role, spoiled, undone
from siem.proof.mutations.scene import ALLOWED, DECIDED, Scene

WEEK_US = 7 * 86_400 * SECOND_US
ADMIN = {**ALLOWED, "required_tier": frozenset({"admin"})}
TOOL = ("server_name", "tool_name")
ALLOW = saying(decision="allow", gate="none", reason_code="allowed")


def tool_new_for_user(scene: Scene) -> Iterator[Mutant]:
    """The call, what makes its user known, and that it is the first."""
    call = Role("the call", [scene.event], ALLOWED, ("user_id",))
    yield from spoiled(scene.rule, scene.events, scene.id, call)
    yield from _known(scene, "user_id")
    yield from used_before(scene, ALLOWED, "user_id", *TOOL)


def nearly_new_for_user(scene: Scene, why: str) -> Mutant:
    """Allowed, without the uses before, and by a user who is known for long."""
    ways = [
        scene.edited(ALLOW),
        scene.without(*scene.before(ALLOWED, "user_id", *TOOL)),
        scene.with_more(_week_before(scene)),
    ]
    return scene.found(why, *ways)


def admin_tool_first_used(scene: Scene) -> Iterator[Mutant]:
    """The call, the age of the record, and that it is the first."""
    yield from spoiled(scene.rule, scene.events, scene.id, Role("the call", [scene.event], ADMIN))
    yield from _known(scene)
    yield from used_before(scene, ADMIN, *TOOL)


def nearly_first_used(scene: Scene, why: str) -> Mutant:
    """Allowed, of tier admin, without the uses before, and in a record that is old enough."""
    ways = [
        scene.edited(ALLOW),
        scene.edited(saying(required_tier="admin")),
        scene.without(*scene.before(ADMIN, *TOOL)),
        scene.with_more(_week_before(scene)),
    ]
    return scene.found(why, *ways)


def _known(scene: Scene, *same: str) -> Iterator[Mutant]:
    """Without what is at least a week old there is nothing that the call could be new to."""
    latest_us = scene.us - WEEK_US
    old = [event for event in scene.before(DECIDED, *same) if time_us(event) <= latest_us]
    role = Role("the calls of a week before", old, DECIDED, same, not_after_us=latest_us)
    return spoiled(scene.rule, scene.events, scene.id, role)


def _week_before(scene: Scene) -> Event:
    """The same call, exactly a week ago and denied."""
    return saying(decision="deny", gate="scope", seq=0)(twin(scene.event, "a week before", after_us=-WEEK_US))


def used_before(scene: Scene, says: Alternative, *same: str) -> Iterator[Mutant]:
    """Not the first: it was so a second before. And what of that does not count."""
    before = saying(seq=scene.event["seq"] - 1)(earlier(SECOND_US)(twin(scene.event, "used before")))
    used = scene.with_more(before)
    yield scene.lost("the same a second before", used)
    yield from undone(scene.rule, used, scene.id, Role("the same a second before", [before], says, same))
