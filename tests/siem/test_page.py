"""The page for analysts: what it links to is there, and what it names is called so."""

from __future__ import annotations

import re

import pytest

from siem.places import ROOT, SAMPLES
from siem.queries import Language
from siem.sources import rules
from tests.siem.page import PAGE

pytestmark = pytest.mark.requirement("E7")

TEXT = PAGE.read_text("utf-8")
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
PAGES = sorted(SAMPLES.rglob("*.md"))
SECTIONS = dict(re.findall(r"^### ([^:\n]+)[^\n]*\n(.*?)(?=^#)", TEXT, re.MULTILINE | re.DOTALL))
FIRST_RULE = next(rule for rule in rules() if rule.name == "scanner_probes_by_address")


@pytest.mark.parametrize("page", [page.relative_to(ROOT).as_posix() for page in PAGES])
def test_every_link_leads_somewhere(page: str) -> None:
    folder = (ROOT / page).parent
    assert [link for link in LINK.findall((ROOT / page).read_text("utf-8")) if not (folder / link).exists()] == []


def test_each_product_has_its_numbered_steps() -> None:
    assert SECTIONS.keys() == {
        "Splunk",
        "Elastic",
        "Datadog",
        "Sumo Logic",
        "Microsoft Sentinel",
        "Grafana",
        "Anything that reads Sigma",
    }
    for section in SECTIONS.values():
        numbers = [int(number) for number in re.findall(r"^(\d+)\. ", section, re.MULTILINE)]
        assert numbers == [*range(1, len(numbers) + 1)]
        assert numbers


def test_the_alert_of_the_steps_is_called_as_its_rule() -> None:
    assert set(re.findall(r'"([^"\n]*probes from[^"\n]*)"', TEXT)) == {
        FIRST_RULE.title,
        f"Gatetrail: {FIRST_RULE.title}",
        f"Gatetrail - {FIRST_RULE.title}",
    }


def test_every_folder_is_told_of() -> None:
    folders = {path.name for path in SAMPLES.iterdir() if path.is_dir()}
    assert folders <= set(re.findall(r"\]\((\w+)\)", TEXT))
    assert {language.product for language in Language} <= folders
