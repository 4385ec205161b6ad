"""What the pages show to be pasted is what the product takes."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import yaml

from gatetrail.policy.load import parse_policy
from gatetrail.policy.model import PolicyDocument
from gatetrail.settings import ServiceSettings
from tests.checkout import ROOT

PAGES = (*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md")
SNIPPET = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)


def snippets() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for number, found in enumerate(SNIPPET.finditer(page.read_text()), 1):
            yield f"{page.name}-{number}", found[1]


def is_policy(text: str) -> bool:
    """By its first line, where that says so; else by its keys."""
    if text.startswith("# service.yaml"):
        return False
    keys: dict[str, object] = yaml.safe_load(text)
    return keys.keys() <= PolicyDocument.model_fields.keys()


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in snippets()])
def test_every_snippet_of_yaml_is_a_policy_or_settings(text: str) -> None:
    if is_policy(text):
        assert parse_policy(text, "snippet").version
        return
    keys = yaml.safe_load(text)
    assert keys.keys() <= ServiceSettings.model_fields.keys()
    ServiceSettings(**keys)
