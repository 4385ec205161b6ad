"""Events about the policy itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gatetrail.call import clean
from gatetrail.errors import PolicyInvalid
from gatetrail.events.model import PolicyChanged, PolicyRejected
from gatetrail.events.stamp import Stamp
from gatetrail.gates.pipeline import Gates
from gatetrail.policy.differences import MAX_SENTENCE_BYTES
from gatetrail.policy.model import Policy
from gatetrail.policy.standing import Standing
from gatetrail.words import Level

MAX_SOURCE = 256
MAX_REASON_BYTES = 480
MAX_PROBLEM_BYTES = 200
ONLY_TRIED = "only tried: "
"""Before each change that nobody is denied or allowed anything by."""


def begun(stamp: Stamp, gates: Gates) -> PolicyChanged:
    """A process has begun, with this policy, and perhaps with another one that is only tried."""
    told = stamp(Level.NOTICE, f"policy {gates.policy.version} is in force")
    return PolicyChanged.model_validate({**told, **_keys_of(gates)})


def changed(
    stamp: Stamp, gates: Gates, previous: Standing, changes: tuple[str, ...], user_id: str | None
) -> PolicyChanged:
    """Another policy, in force from now on. `user_id`: who asked for it, if anybody did."""
    before = previous.policy.version
    told = stamp(Level.NOTICE, f"policy {gates.policy.version} is in force instead of {before}")
    keys = {"previous_policy_version": before, "changes": changes, "user_id": user_id}
    return PolicyChanged.model_validate({**told, **_keys_of(gates), **keys})


def tried(
    stamp: Stamp, gates: Gates, previous: Standing, changes: tuple[str, ...], user_id: str | None
) -> PolicyChanged:
    """Another policy that is only tried from now on; the one in force is the same as before."""
    in_force, versions = gates.policy.version, f"{_version(gates.shadow_policy)} instead of {previous.policy.version}"
    told = stamp(Level.NOTICE, f"policy {in_force} stays in force; only tried beside it: {versions}")
    marked = tuple(clean(f"{ONLY_TRIED}{change}", MAX_SENTENCE_BYTES) for change in changes)
    keys = {"previous_policy_version": in_force, "changes": marked, "user_id": user_id}
    return PolicyChanged.model_validate({**told, **_keys_of(gates), **keys})


def rejected(stamp: Stamp, problem: PolicyInvalid, in_force: Policy, user_id: str | None) -> PolicyRejected:
    """A file that cannot be used."""
    return _rejected(
        stamp(Level.ERROR, f"a policy file was refused; {in_force.version} stays in force"), problem, in_force, user_id
    )


def not_tried(
    stamp: Stamp, problem: PolicyInvalid, in_force: Policy, tried: Policy, user_id: str | None
) -> PolicyRejected:
    """A file that cannot even be tried."""
    told = stamp(Level.ERROR, f"the file of a policy to be tried was refused; {tried.version} goes on being tried")
    return _rejected(told, problem, in_force, user_id)


def reason_of(problem: PolicyInvalid) -> str:
    """The first complaints, each with file and line, and how many there are besides."""
    texts = [clean(one.text(problem.file), MAX_PROBLEM_BYTES) for one in problem.problems]
    told, size = list[str](), 0
    for text in texts:
        size += len(text.encode()) + 2
        if told and size > MAX_REASON_BYTES - 20:
            return f"{'; '.join(told)}; and {len(texts) - len(told)} more"
        told.append(text)
    return "; ".join(told)


def _rejected(told: Mapping[str, Any], problem: PolicyInvalid, in_force: Policy, user_id: str | None) -> PolicyRejected:
    return PolicyRejected(
        **told,
        policy_version=in_force.version,
        policy_source=problem.file[-MAX_SOURCE:],
        reason=reason_of(problem),
        user_id=user_id,
    )


def _keys_of(gates: Gates) -> dict[str, str | None]:
    return {
        "policy_version": gates.policy.version,
        "policy_source": gates.policy.source[-MAX_SOURCE:],
        "shadow_policy_version": _version(gates.shadow_policy),
    }


def _version(policy: Policy | None) -> str | None:
    return None if policy is None else policy.version
