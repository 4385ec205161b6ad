"""Names in a policy as they may stand in the record, where redaction writes some of them in another form."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from gatetrail.events.asking import FormsOf
from gatetrail.policy.model import Policy
from gatetrail.policy.servers import Requirement, ServerPolicy
from gatetrail.redaction.marks import MASK

AnyRequirement = TypeVar("AnyRequirement", bound=Requirement)


def as_recorded(policy: Policy, forms_of: FormsOf) -> Policy:
    """The same policy, of the same version, that also knows users and departments by what stands for them."""
    document = policy.document
    blocklist = tuple(
        entry.model_copy(
            update={
                "users": tuple(_forms("user_id", entry.users, forms_of)),
                "departments": tuple(_forms("department", entry.departments, forms_of)),
            }
        )
        for entry in document.blocklist
    )
    servers = {name: _server(server, forms_of) for name, server in document.servers.items()}
    return policy.model_copy(
        update={"document": document.model_copy(update={"blocklist": blocklist, "servers": servers})}
    )


def _server(server: ServerPolicy, forms_of: FormsOf) -> ServerPolicy:
    below = {
        part: {name: _requirement(one, forms_of) for name, one in entries.items()}
        for part, entries in (("tools", server.tools), ("resources", server.resources), ("prompts", server.prompts))
    }
    return _requirement(server, forms_of).model_copy(update=below)


def _requirement(requirement: AnyRequirement, forms_of: FormsOf) -> AnyRequirement:
    if not requirement.departments:
        return requirement
    departments = frozenset(_forms("department", requirement.departments, forms_of))
    return requirement.model_copy(update={"departments": departments})


def _forms(key: str, names: Iterable[str], forms_of: FormsOf) -> Iterable[str]:
    """Each name in its forms, without those that would stand for everybody."""
    return dict.fromkeys(form for name in names for form in forms_of(key, name) if form and form != MASK)
