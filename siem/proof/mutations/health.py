"""Mutants of rules about the record itself."""

from __future__ import annotations

from collections.abc import Iterator

from siem.golden import Event
from siem.proof.mutations.edits import SECOND_US, at_us, renamed, saying, time_us, twin
from siem.proof.mutations.mutant import Mutant
from siem.proof.mutations.role import Role, spoiled
from siem.proof.mutations.scene import Scene

SILENCE_US = 120 * SECOND_US
BEAT = {"event_name": frozenset({"audit.heartbeat"})}


def journal_gap(scene: Scene) -> Iterator[Mutant]:
    """The event, and those that are missing."""
    event, before = scene.event, _last_of_chain(scene)
    assert before is not None, f"{scene.id} begins its chain"
    role = Role("the event", [event], {}, ("chain_id",))
    yield from spoiled(scene.rule, scene.events, scene.id, role)
    yield scene.lost("seq renamed", scene.edited(renamed("seq")))
    yield scene.lost("seq is the next one", scene.edited(saying(seq=before["seq"] + 1)))
    missing = [saying(seq=seq)(twin(before, f"missing {seq}")) for seq in range(before["seq"] + 1, event["seq"])]
    yield scene.lost("what is missing is there", scene.with_more(*missing))


def nearly_gap(scene: Scene, why: str) -> Mutant:
    """Without the event before it, or in the chain of the event before it."""
    before, others = _last_of_chain(scene), scene.before({})
    ways = [scene.edited(saying(chain_id=others[-1]["chain_id"]))]
    return scene.found(why, *ways, *([scene.without(before)] if before else []))


def _last_of_chain(scene: Scene) -> Event | None:
    return max(scene.before({}, "chain_id"), key=lambda event: event["seq"], default=None)


def record_silent(scene: Scene) -> Iterator[Mutant]:
    """The heartbeat, the one before, and how long there was none."""
    event, earlier = scene.event, scene.before(BEAT, "instance_id")
    beat = Role("the heartbeat", [event], BEAT, ("instance_id",))
    yield from spoiled(scene.rule, scene.events, scene.id, beat)
    before = Role("those before", earlier, BEAT, ("instance_id",))
    yield from spoiled(scene.rule, scene.events, scene.id, before)
    yield scene.lost("exactly two minutes later", scene.edited(lambda one: at_us(one, _limit_us(earlier[-1]))))
    late = scene.edited(lambda one: at_us(one, scene.us - SILENCE_US), earlier[-1])
    yield scene.lost("the one before: two minutes before", late)


def nearly_silent(scene: Scene, why: str) -> Mutant:
    """A microsecond too late, or of the process that fell silent."""
    earlier, others = scene.before(BEAT, "instance_id"), scene.before(BEAT)
    ways = [scene.edited(saying(instance_id=others[-1]["instance_id"]))]
    if earlier:
        ways.append(scene.edited(lambda event: at_us(event, _limit_us(earlier[-1]) + 1)))
    return scene.found(why, *ways)


def _limit_us(before: Event) -> int:
    return time_us(before) + SILENCE_US
