"""What the platform team lets the policy reach outside: the security team's file names it, this one allows it."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from gatetrail.errors import PolicyInvalid, PolicyProblem
from gatetrail.policy.check_hooks import Complaint, Keys, items_of, keys_of
from gatetrail.policy.globs import compile_glob
from gatetrail.policy.model import Policy
from gatetrail.policy.source import text_of


@dataclass(frozen=True, slots=True)
class Permits:
    """From service.yaml. Nothing is allowed that is not named, but hosts, while none is named."""

    commands: tuple[str, ...] = ()
    """Absolute paths of programs, or of folders whose programs may be run."""
    environment: frozenset[str] = frozenset()
    """Variables that commands may be given."""
    secrets: frozenset[str] = frozenset()
    """Names of the secrets that there are for signatures."""
    hosts: tuple[str, ...] | None = None
    """Globs of the hosts that webhooks may go to; None: any."""

    def may_run(self, program: str) -> bool:
        """Whether a command with this program is allowed."""
        return any(posixpath.commonpath((program, allowed)) == allowed for allowed in self.commands)

    def may_reach(self, url: str) -> bool:
        """Whether a webhook may go there."""
        host = (urlsplit(url).hostname or "").casefold()
        return self.hosts is None or any(compile_glob(glob).fullmatch(host) for glob in self.hosts)


NOTHING = Permits()
"""The default."""


def permit_complaints(data: Mapping[str, Any], permits: Permits) -> Iterator[Complaint]:
    """Place and message for everything that a policy, as plain data, wants and must not."""
    for position, item in enumerate(items_of(data.get("hooks"))):
        hook = keys_of(item)
        for place, message in (
            *_about_command(keys_of(hook.get("command")), permits),
            *_about_webhook(keys_of(hook.get("webhook")), permits),
        ):
            yield ("hooks", position, *place), message


def check_permits(policy: Policy, permits: Permits) -> None:
    """Raises PolicyInvalid for a policy that wants what it must not. Its file has been left behind: no lines."""
    found = permit_complaints(policy.document.model_dump(mode="json"), permits)
    problems = tuple(PolicyProblem(0, text_of(place), message) for place, message in found)
    if problems:
        raise PolicyInvalid(policy.source, problems)


def _about_command(command: Keys, permits: Permits) -> Iterator[Complaint]:
    argv = items_of(command.get("argv"))
    program = argv[0] if argv else None
    if isinstance(program, str) and program.startswith("/") and not permits.may_run(program):
        allowed = ", ".join(permits.commands) or "none"
        yield ("command", "argv", 0), f"the service allows no such command; hooks.commands in service.yaml: {allowed}"
    for position, name in enumerate(items_of(command.get("environment"))):
        if isinstance(name, str) and name not in permits.environment:
            message = f"the service gives {name!r} to no command; see hooks.environment in service.yaml"
            yield ("command", "environment", position), message


def _about_webhook(webhook: Keys, permits: Permits) -> Iterator[Complaint]:
    secret, url = webhook.get("secret"), webhook.get("url")
    if isinstance(secret, str) and secret not in permits.secrets:
        yield ("webhook", "secret"), f"the service has no secret {secret!r}; {_known(sorted(permits.secrets))}"
    if isinstance(url, str) and not _may_reach(url, permits):
        yield ("webhook", "url"), "the service lets webhooks go to other hosts only; see hooks.hosts in service.yaml"


def _may_reach(url: str, permits: Permits) -> bool:
    try:
        return permits.may_reach(url)
    except ValueError:
        return True  # no URL at all, which is told elsewhere


def _known(names: Sequence[str]) -> str:
    return f"hooks.secrets in service.yaml has {', '.join(names) or 'none'}"
