"""Reading the policy file: everything that is wrong with it is told at once, each with its line."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

import orjson
from pydantic import ValidationError

from gatetrail.errors import PolicyInvalid, PolicyProblem
from gatetrail.policy.check import complaints_of
from gatetrail.policy.explain import explain, location_of
from gatetrail.policy.model import Policy, PolicyDocument
from gatetrail.policy.permits import Permits, permit_complaints
from gatetrail.policy.source import Source, read_source, text_of

MAX_FILE_BYTES = 5_000_000


def load_policy(path: Path, permits: Permits | None = None) -> Policy:
    """The policy in a YAML file of at most 5 MB. Raises PolicyInvalid with every problem, in line order.

    With `permits` a policy whose hooks want more than the service allows is refused too.
    """
    return policy_in(content_of(path), path, permits)


def content_of(path: Path) -> bytes:
    """What the file holds, of at most 5 MB. Raises PolicyInvalid where it cannot be read."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        raise _invalid(path, "there is no such file") from None
    except OSError as error:
        raise _invalid(path, f"cannot be read: {error.strerror or error}") from None
    if len(content) > MAX_FILE_BYTES:
        raise _invalid(path, f"is larger than {MAX_FILE_BYTES // 1_000_000} MB")
    return content


def policy_in(content: bytes, path: Path, permits: Permits | None = None) -> Policy:
    """The policy in what a file held. Raises PolicyInvalid like `load_policy`."""
    return parse_policy(_decoded(content, path), str(path), permits)


def parse_policy(text: str, source: str, permits: Permits | None = None) -> Policy:
    """The policy in a text; `source` names it in messages. Raises PolicyInvalid like `load_policy`."""
    read = read_source(text)
    document, problems = _document(read, permits)
    told = {problem.path for problem in read.problems} - {""}
    problems = read.problems + tuple(one for one in problems if one.path not in told)
    if problems or document is None:
        raise PolicyInvalid(source, tuple(sorted(problems, key=lambda problem: problem.line)))
    return Policy(document=document, version=version_of(document), source=source)


def version_of(document: PolicyDocument) -> str:
    """16 hex digits over all values of a document. The order of lists and of keys counts, that of sets does not."""
    options = orjson.OPT_NON_STR_KEYS
    content = orjson.dumps(document.model_dump(), option=options, default=_sorted_set)
    return hashlib.sha256(content).hexdigest()[:16]


def _document(read: Source, permits: Permits | None) -> tuple[PolicyDocument | None, tuple[PolicyProblem, ...]]:
    if not isinstance(read.data, dict):
        return None, () if read.problems else (_not_a_mapping(read),)
    meant = _located(read, complaints_of(read.data))
    if permits is not None:
        meant += _located(read, permit_complaints(read.data, permits))
    try:
        document = PolicyDocument.model_validate_json(json.dumps(read.data), strict=True)
    except ValidationError as error:
        found = ((location_of(detail), explain(detail)) for detail in error.errors())
        return None, meant + _located(read, found)
    return document, meant


def _located(read: Source, found: Iterable[tuple[tuple[str | int, ...], str]]) -> tuple[PolicyProblem, ...]:
    return tuple(PolicyProblem(read.line_of(location), text_of(location), message) for location, message in found)


def _not_a_mapping(read: Source) -> PolicyProblem:
    if read.data is None:
        return PolicyProblem(0, "", "is empty; expected keys such as servers, identity, rate_limits")
    return PolicyProblem(read.line_of(()), "", "expected keys such as servers, identity, rate_limits at the top")


def _decoded(content: bytes, path: Path) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        problem = PolicyProblem(line, "", f"is not UTF-8 (byte {content[error.start]:#04x})")
        raise PolicyInvalid(str(path), (problem,)) from None


def _invalid(path: Path, message: str) -> PolicyInvalid:
    return PolicyInvalid(str(path), (PolicyProblem(0, "", message),))


def _sorted_set(value: Any) -> list[str]:
    if isinstance(value, frozenset):
        return sorted(cast("frozenset[str]", value))
    raise TypeError(type(value).__name__)
