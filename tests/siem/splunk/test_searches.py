"""Saved searches say what the rules say."""

from __future__ import annotations

import re

import pytest

from siem.packages.splunk.conf import Unwritable, conf_text
from siem.packages.splunk.searches import NAME, alert, suppressed_by
from siem.queries import Language, query
from siem.rule import Rule
from siem.sources import rules, seconds
from tests.siem.splunk.conf import conf, read

pytestmark = pytest.mark.requirement("E7")

ALERTS = [rule for rule in rules() if "TRACE_ID" not in (query(rule, Language.SPL) or "TRACE_ID")]


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule.name)
class TestAlert:
    def test_its_search_is_the_query_of_its_rule(self, rule: Rule) -> None:
        """Spaces at ends of lines apart: a continued line ends with one."""
        text = conf("savedsearches")[NAME.format(rule.title)]["search"]
        assert [line.rstrip() for line in text.split("\n")] == [
            line.rstrip() for line in str(query(rule, Language.SPL)).split("\n")
        ]

    def test_it_is_switched_off_and_could_be_switched_on(self, rule: Rule) -> None:
        settings = conf("savedsearches")[NAME.format(rule.title)]
        assert (settings["disabled"], settings["enableSched"], settings["alert.track"]) == ("1", "1", "1")
        assert re.fullmatch(r"\d+(-59/\d+)? \* \* \* \*", settings["cron_schedule"])

    def test_no_moment_is_between_two_of_its_runs(self, rule: Rule) -> None:
        settings = conf("savedsearches")[NAME.format(rule.title)]
        step = re.search(r"/(\d+)", settings["cron_schedule"])
        period_s = 60 * int(step[1]) if step else 3600
        back = re.fullmatch(r"-(\d+)m@m", settings["dispatch.earliest_time"])
        assert back is not None
        assert 60 * int(back[1]) >= max(period_s, seconds(rule.lookback))

    def test_it_is_quiet_of_what_it_told_for_as_long_as_it_sees_it(self, rule: Rule) -> None:
        """Else a burst is told again while it grows old within the time range, whose begin is a full minute."""
        settings = conf("savedsearches")[NAME.format(rule.title)]
        quiet = re.fullmatch(r"(\d+)m", settings["alert.suppress.period"])
        back = re.fullmatch(r"-(\d+)m@m", settings["dispatch.earliest_time"])
        assert quiet is not None
        assert back is not None
        assert int(quiet[1]) > int(back[1])

    def test_what_is_told_once_is_a_column_of_its_result(self, rule: Rule) -> None:
        text = str(query(rule, Language.SPL))
        commands = re.findall(r"\|\s*(stats|table|fields)\b([^|]*)", text)
        for name in suppressed_by(rule):
            assert not commands or re.search(rf"\b{name}\b", commands[-1][1]), (name, commands[-1])


def test_there_is_an_alert_for_every_rule_but_the_trace() -> None:
    assert {rule.name for rule in rules()} - {rule.name for rule in ALERTS} == {"trace_events"}


def test_names_are_different() -> None:
    assert len({rule.title for rule in rules()}) == len(rules())


def test_lines_are_continued_and_come_back(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("conf") / "a.conf"
    path.write_text(conf_text([("one", {"search": "a\n| b  \n| c", "next": "d = # e"})], "A heading."))
    assert read(path) == {"one": {"search": "a \n| b \n| c", "next": "d = # e"}}


def test_a_line_that_would_swallow_the_next_is_refused() -> None:
    with pytest.raises(Unwritable):
        conf_text([("one", {"search": "a\\\n| b"})], "A heading.")


def test_an_alert_needs_no_other_app() -> None:
    settings = alert(ALERTS[0], "`gatetrail`")
    assert not [name for name in settings if name.startswith("action.")]
