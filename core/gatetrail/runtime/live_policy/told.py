"""Events about the policy itself."""

from __future__ import annotations

from gatetrail.call import clean
from gatetrail.errors import PolicyInvalid
from gatetrail.events.model import PolicyChanged, PolicyRejected
from gatetrail.events.stamp import Stamp
from gatetrail.policy.model import Policy
from gatetrail.policy.standing import Standing
from gatetrail.words import Level

MAX_SOURCE = 256
MAX_REASON_BYTES = 480
MAX_PROBLEM_BYTES = 200


def begun(stamp: Stamp, policy: Policy, tried: Policy | None = None) -> PolicyChanged:
    """A process has begun, with this policy, and with another one that is only tried."""
    keys = {
        **stamp(Level.NOTICE, f"policy {policy.version} is in force"),
        "policy_version": policy.version,
        "policy_source": policy.source[-MAX_SOURCE:],
    }
    return PolicyChanged.model_validate(keys if tried is None else {**keys, "shadow_policy_version": tried.version})


def changed(
    stamp: Stamp, policy: Policy, previous: Standing, changes: tuple[str, ...], user_id: str | None
) -> PolicyChanged:
    """Another policy, in force from now on. `user_id`: who asked for it, if anybody did."""
    before = previous.policy.version
    return PolicyChanged(
        **stamp(Level.NOTICE, f"policy {policy.version} is in force instead of {before}"),
        policy_version=policy.version,
        previous_policy_version=before,
        policy_source=policy.source[-MAX_SOURCE:],
        changes=changes,
        user_id=user_id,
    )


def rejected(stamp: Stamp, problem: PolicyInvalid, in_force: Policy, user_id: str | None) -> PolicyRejected:
    """A file that cannot be used."""
    return PolicyRejected(
        **stamp(Level.ERROR, f"a policy file was refused; {in_force.version} stays in force"),
        policy_version=in_force.version,
        policy_source=problem.file[-MAX_SOURCE:],
        reason=reason_of(problem),
        user_id=user_id,
    )


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
