"""What is well formed in `hooks` and still cannot be meant: above all, hooks that never would do anything."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from ipaddress import ip_address
from typing import Any, TypeGuard
from urllib.parse import SplitResult, urlsplit

from gatetrail.policy.expressions import compile_expression
from gatetrail.policy.globs import compile_glob
from gatetrail.policy.hooks import ABOUT_TOOLS, DECIDING, HookArguments, HookDecision, HookMoment
from gatetrail.policy.source import Location
from gatetrail.words import GateName

Complaint = tuple[Location, str]
Part = tuple[Location, str]
Keys = Mapping[str, Any]

_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_OWN_HEADERS = frozenset(
    {
        *("accept-encoding", "connection", "content-encoding", "content-length", "content-type", "expect", "host"),
        *("idempotency-key", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "user-agent"),
    }
)
_SECRET_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization"})


def hook_complaints(hooks: Sequence[Any], servers: Collection[str], preview_bytes: object) -> Iterator[Complaint]:
    """Place and message for each mistake in plain data; parts of a wrong type are left to others."""
    seen: dict[str, int] = {}
    for position, item in enumerate(hooks):
        hook = keys_of(item)
        name = hook.get("id")
        if isinstance(name, str) and (first := seen.setdefault(name, position)) != position:
            yield ("hooks", position, "id"), f"the id {name!r} belongs to hooks[{first}] already; ids are unique"
        for place, message in _of_one(hook, servers, preview_bytes):
            yield ("hooks", position, *place), message


def _of_one(hook: Keys, servers: Collection[str], preview_bytes: object) -> Iterator[Part]:
    if hook and ("command" in hook) is ("webhook" in hook):
        yield (), "expected exactly one of command and webhook"
    yield from _about_command(keys_of(hook.get("command")))
    yield from _about_webhook(keys_of(hook.get("webhook")))
    try:
        moment = HookMoment(str(hook.get("event")))
    except ValueError:
        return
    yield from _about_moment(hook, moment)
    yield from _about_match(keys_of(hook.get("match")), moment, servers)
    if hook.get("arguments") == HookArguments.REDACTED and not preview_bytes:
        yield ("arguments",), "there are none to show while redaction.preview_bytes is 0"


def _about_moment(hook: Keys, moment: HookMoment) -> Iterator[Part]:
    if "on_failure" in hook and (moment not in DECIDING or hook.get("async") is True):
        yield ("on_failure",), "does nothing: this hook is only told and never asked"
    if hook.get("async") is False and moment not in DECIDING:
        yield ("async",), f"nothing waits for a hook on {moment}; leave it out"
    if "arguments" in hook and moment not in ABOUT_TOOLS:
        yield ("arguments",), f"{moment} is about no call, and so about no arguments"


def _about_match(match: Keys, moment: HookMoment, servers: Collection[str]) -> Iterator[Part]:
    if moment not in ABOUT_TOOLS:
        for key in ("servers", "tools", "pattern", "decisions", "gates"):
            if match.get(key):
                yield ("match", key), f"never fits: {moment} is about no call; only users can be named"
        return
    yield from _about_pattern(match.get("pattern"))
    yield from _about_decisions(match, moment)
    wanted = [one for one in items_of(match.get("servers")) if isinstance(one, str)]
    known = [name.casefold() for name in servers]
    denials = HookDecision.DENY in items_of(match.get("decisions"))
    if wanted and not denials and not any(compile_glob(one).fullmatch(name) for one in wanted for name in known):
        yield ("match", "servers"), "never fits: no server of this policy has such a name"


def _about_pattern(pattern: object) -> Iterator[Part]:
    if not isinstance(pattern, str) or not pattern:
        return
    try:
        compile_expression(pattern)
    except ValueError as problem:
        yield ("match", "pattern"), f"is no regular expression of RE2: {problem}"


def _about_decisions(match: Keys, moment: HookMoment) -> Iterator[Part]:
    decisions, gates = match.get("decisions"), items_of(match.get("gates"))
    if decisions == []:
        yield ("match", "decisions"), "never fits: names no decision; expected allow, deny or both"
    if moment is not HookMoment.POST_TOOL_USE_FAILURE:
        if HookDecision.DENY in items_of(decisions):
            yield ("match", "decisions"), f"never fits: {moment} is about allowed calls; see post_tool_use_failure"
        if gates:
            yield ("match", "gates"), f"never fits: {moment} is about calls that no gate denied"
    elif gates and items_of(decisions) != [HookDecision.DENY]:
        yield ("match", "gates"), "is about denials alone; it needs decisions: [deny]"
    if GateName.NONE in gates:
        yield ("match", "gates", gates.index(GateName.NONE)), "never fits: a denial is that of a gate"


def _about_command(command: Keys) -> Iterator[Part]:
    argv = items_of(command.get("argv"))
    program = argv[0] if argv else None
    if isinstance(program, str) and not is_plain_path(program):
        yield ("command", "argv", 0), "expected the absolute path of a program, without `..`, `.` or `//`"
    folder = command.get("folder")
    if isinstance(folder, str) and not is_plain_path(folder):
        yield ("command", "folder"), "expected the absolute path of a folder, without `..`, `.` or `//`"
    for position, argument in enumerate(argv):
        if isinstance(argument, str) and "\0" in argument:
            yield ("command", "argv", position), "a command cannot have NUL characters"


def is_plain_path(path: str) -> bool:
    """Whether a path is absolute and says where it leads without detours."""
    return path.startswith("/") and not path.startswith("//") and posixpath.normpath(path) == path and "\0" not in path


def _about_webhook(webhook: Keys) -> Iterator[Part]:
    url = webhook.get("url")
    if isinstance(url, str) and (wrong := _wrong_with(url)):
        yield ("webhook", "url"), wrong
    for name, value in keys_of(webhook.get("headers")).items():
        if not _HEADER.fullmatch(name):
            yield ("webhook", "headers", name), "cannot be the name of a header"
        elif name.lower() in _SECRET_HEADERS:
            yield ("webhook", "headers", name), "is for secrets, which do not belong in the policy; sign with `secret`"
        elif name.lower() in _OWN_HEADERS or name.lower().startswith("gatetrail-"):
            yield ("webhook", "headers", name), "is set by Gatetrail itself"
        if isinstance(value, str) and not (value.isascii() and value.isprintable()):
            yield ("webhook", "headers", name), "expected ASCII text on one line"


def _wrong_with(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is not a URL"
    if not host or not url.isascii() or not url.isprintable() or " " in url:
        return "expected https://HOST/PATH, or http://127.0.0.1/PATH"
    if "@" in parts.netloc:
        return "credentials do not belong in a URL; sign with `secret`"
    if parts.fragment:
        return "an endpoint has no fragment (#)"
    return None if _is_guarded(parts) else "expected https://HOST/PATH; http is for loopback addresses only"


def _is_guarded(parts: SplitResult) -> bool:
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))


def is_loopback(host: str) -> bool:
    """Whether a host name can only mean this machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def items_of(value: object) -> list[Any]:
    """A list as it is; of anything else nothing."""
    return value if _is_list(value) else []


def keys_of(value: object) -> Keys:
    """Keys and values as they are; of anything else nothing."""
    return value if _is_mapping(value) else {}


def _is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _is_mapping(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)
