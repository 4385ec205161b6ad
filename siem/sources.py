"""Reads the rules: Sigma files and folders of native rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import yaml
from pydantic import BaseModel, ValidationError

from siem.document import Base, Correlation, Meaning, seconds
from siem.places import NATIVE, SIGMA
from siem.rule import Kind, Rule, Window

__all__ = ["OWN_KEY", "RuleBroken", "read_rules", "rules", "seconds"]

OWN_KEY = "gatetrail"
"""Where a rule says what Sigma has no key for; Sigma lets everybody add keys."""

_Model = TypeVar("_Model", bound=BaseModel)
_KINDS = {"event_count": Kind.COUNT, "value_count": Kind.DISTINCT}


class RuleBroken(ValueError):
    """A rule's file cannot be used; says which file, what is wrong, and what would be right."""


@cache
def rules() -> tuple[Rule, ...]:
    """All rules of the house, by question and then by name. Raises `RuleBroken`."""
    return read_rules(SIGMA, NATIVE)


def read_rules(sigma: Path, native: Path) -> tuple[Rule, ...]:
    """All rules of two such folders, in that order. Raises `RuleBroken`, also for a file in them that is no rule."""
    found = [_sigma_rule(path) for path in _listed(sigma)] + [_native_rule(path) for path in _listed(native)]
    return tuple(sorted(found, key=lambda rule: (rule.question, rule.kind is Kind.NATIVE, rule.name)))


def sigma_text(rule: Rule) -> str:
    """The rule as YAML that stands alone."""
    return "---\n".join(yaml.safe_dump(dict(document), sort_keys=False) for document in rule.documents)


def _listed(folder: Path) -> Sequence[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _sigma_rule(path: Path) -> Rule:
    if path.suffix != ".yml":
        raise RuleBroken(f"{path}: is no rule; rules of Sigma end with .yml")
    documents = _documents(path)
    for document in documents[:-1]:
        _checked(path, document, Base)
    meaning = _checked(path, documents[-1], Meaning)
    correlation = meaning.correlation
    if correlation is None and meaning.detection is None:
        raise RuleBroken(f"{path}: has neither detection nor correlation; one of them says what it looks for")
    kind = Kind.MATCH if correlation is None else _KINDS[correlation.type]
    return _rule(path, path.stem, meaning, documents, kind)


def _native_rule(folder: Path) -> Rule:
    path = folder / "rule.yml"
    if not path.is_file():
        raise RuleBroken(f"{folder}: has no rule.yml, which says what its queries are for")
    documents = _documents(path)
    return _rule(path, folder.name, _checked(path, documents[-1], Meaning), documents, Kind.NATIVE)


def _documents(path: Path) -> tuple[Mapping[str, Any], ...]:
    try:
        documents = list(yaml.safe_load_all(path.read_text("utf-8")))
    except (yaml.YAMLError, UnicodeDecodeError) as problem:
        raise RuleBroken(f"{path}: no YAML: {problem}") from problem
    if not documents or not all(isinstance(document, dict) for document in documents):
        raise RuleBroken(f"{path}: each of its YAML documents must be a rule: a mapping, with `title:` and so on")
    return tuple(cast("list[Mapping[str, Any]]", documents))


def _checked(path: Path, document: Mapping[str, Any], model: type[_Model]) -> _Model:
    try:
        return model.model_validate(document)
    except ValidationError as wrong:
        told = (f"{path}: {'.'.join(str(step) for step in one['loc'])}: {one['msg']}" for one in wrong.errors())
        raise RuleBroken("\n".join(told)) from wrong


def _window(correlation: Correlation) -> Window:
    return Window(
        group_by=correlation.group_by,
        timespan=correlation.timespan,
        timespan_s=seconds(correlation.timespan),
        at_least=correlation.condition.gte,
        counted=correlation.condition.field,
    )


def _rule(path: Path, name: str, meaning: Meaning, documents: tuple[Mapping[str, Any], ...], kind: Kind) -> Rule:
    if meaning.name != name:
        raise RuleBroken(f"{path}: name: is {meaning.name!r}, its file wants {name!r}")
    return Rule(
        name=name,
        id=str(meaning.id),
        title=meaning.title,
        description=" ".join(meaning.description.split()),
        severity=meaning.level,
        status=meaning.status,
        question=meaning.gatetrail.question,
        asked_by=meaning.gatetrail.asked_by,
        kind=kind,
        tags=meaning.tags,
        false_positives=meaning.falsepositives,
        fields=meaning.fields,
        lookback=meaning.gatetrail.lookback,
        window=None if meaning.correlation is None else _window(meaning.correlation),
        why_native=meaning.gatetrail.why_native,
        path=path,
        documents=documents,
    )
