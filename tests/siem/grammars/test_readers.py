"""What the readers of query languages say of right and of broken queries."""

from __future__ import annotations

import pytest

from siem.proof import node
from siem.proof.grammars import eql, esql, kusto, spl, sql, sumo
from siem.proof.grammars.reading import Compared, Reading
from tests.require import require_or_skip

pytestmark = pytest.mark.requirement("E12")


def kusto_of(*texts: str) -> list[Reading]:
    require_or_skip(node.installed(), "the packages of tests/siem/node are not installed (make peers)")
    return kusto.read(texts)


def test_esql_follows_the_columns_through_the_pipe() -> None:
    reading = esql.read(
        """FROM logs-mcp_governance.audit-* METADATA _id
| WHERE event_name == "tool_call.decided" AND gate IN ("scope", "hook") AND _id != "x"
| EVAL tool = CONCAT(server_name, "/", tool_name), seq = seq + 1
| RENAME user_id AS who
| STATS tools = COUNT_DISTINCT(tool) WHERE decision == "deny", last_at = MAX(@timestamp) BY who, hour = BUCKET(@timestamp, 1 hour)
| WHERE tools > 3 AND hour IS NOT NULL | SORT last_at DESC | KEEP w*, tools | LIMIT 10"""  # noqa: E501
    )
    assert reading.problems == ()
    wanted = {"event_name", "gate", "server_name", "tool_name", "seq", "user_id", "decision", "@timestamp"}
    assert reading.names == wanted
    assert reading.compared == {
        Compared("event_name", "tool_call.decided"),
        Compared("gate", "scope"),
        Compared("gate", "hook"),
        Compared("decision", "deny"),
    }


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("FROM a | WHERE gate ==", "line 1, column"),
        ("FROM a | WHERE gaet == 1", "line 1, column 15: no column gaet is there"),
        ("FROM a | STATS n = COUNT(*) BY gate | WHERE user_id == 1", "line 1, column 44: no column user_id is there"),
        ("FROM a | KEEP gate | SORT seq", "no column seq is there"),
        ("FROM a | DROP gate | SORT gate", "no column gate is there"),
        ("FROM a | RENAME gate AS g | SORT gate", "no column gate is there"),
        ("FROM a | EVAL x = COUNTT(seq)", "no function that this reader knows: countt"),
        ("FROM a METADATA _nothing", "no metadata: ['_nothing']"),
        ("FROM a | SAMPLE 0.1", "a command that this reader does not know: sample"),
    ],
)
def test_a_wrong_esql_query_is_told_with_its_place(text: str, problem: str) -> None:
    assert any(problem in one for one in esql.read(text).problems)


def test_a_match_of_esql_is_a_comparison() -> None:
    assert esql.read('FROM a | WHERE gate : "scope"').compared == {Compared("gate", "scope")}


def test_esql_knows_what_dissect_enrich_and_a_join_add() -> None:
    text = 'FROM a | DISSECT reason "%{word} %{+rest}" | ENRICH places ON src_ip WITH city | SORT word, rest, city'
    assert esql.read(text).problems == ()
    assert esql.read("FROM a | LOOKUP JOIN people ON user_id | WHERE manager_id IS NOT NULL").problems == ()


@pytest.mark.node
def test_kusto_is_bound_to_our_table() -> None:
    (reading,) = kusto_of(
        """let denied = Gatetrail_CL | where decision == "deny" and gate in ("scope", "hook") | extend next = seq + 1;
denied | where TimeGenerated > ago(1h) and user_id != prev(user_id, 19) | summarize n = count() by user_id, next"""
    )
    assert reading.problems == ()
    assert reading.names == {"decision", "gate", "seq", "user_id"}
    assert reading.compared == {Compared("decision", "deny"), Compared("gate", "scope"), Compared("gate", "hook")}


@pytest.mark.node
def test_a_wrong_kusto_query_is_told_with_its_place() -> None:
    readings = kusto_of(
        "Gatetrail_CL | where",
        "Gatetrail_CL\n| where gaet == 1",
        "Gatetrail_CL | where user_id > 3",
        "Gatetrail_CL | summarize n = count() by gate | where user_id == 'x'",
        "Gatetrail_CL | extend x = nope(seq)",
        "Other_CL | count",
    )
    told = ["KS006", "line 2, column 8: KS142 The name 'gaet'", "KS106", "'user_id'", "'nope'", "'Other_CL'"]
    assert [any(word in one for one in reading.problems) for reading, word in zip(readings, told, strict=True)] == [
        True
    ] * len(told)


def test_eql_is_bound_to_our_keys() -> None:
    reading = eql.read(
        'sequence by user_id with maxspan=1h [any where gate:("scope", "ho*") and ?rule_id != null] with runs=3'
    )
    assert reading == Reading((), frozenset({"user_id", "gate", "rule_id"}), frozenset({Compared("gate", "scope")}))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("any where (", "Invalid syntax"),
        ('any where gaet == "x"', "no field gaet is there"),
        ('any where seq == "x"', "Invalid comparison"),
        ("sequence by usr [any where true] [any where true]", "no field usr is there"),
    ],
)
def test_a_wrong_eql_query_is_told(text: str, problem: str) -> None:
    (told,) = eql.read(text).problems
    assert problem in told


def test_spl_follows_the_fields_through_the_pipe() -> None:
    reading = spl.read(
        """`gatetrail` event_name="tool_call.decided" gate IN ("scope", hook) user_id=* earliest=-7d@h seq>3
    [ search `gatetrail` event_name=policy.changed | fields policy_version | rename policy_version AS wanted ]
| eval since=_time-300, tool=server_name."/".tool_name, 'a b'=if(in(decision, "deny"), 1, null())
| streamstats time_window=1h dc(tool) AS tools count BY user_id
| where tools>=3 AND since<_time AND count>1 AND isnotnull(wanted) AND 'a b'=1
| iplocation src_ip | lookup people user AS user_id OUTPUT manager
| stats max(_time) AS last_at values(roles{}) AS roles count(eval(lat>0)) AS north BY user_id manager
| fieldformat last_at=strftime(last_at, "%F") | sort 0 - last_at | table last_at user_id north"""
    )
    assert reading.problems == ()
    wanted = {
        "event_name",
        "gate",
        "user_id",
        "seq",
        "policy_version",
        "server_name",
        "tool_name",
        "decision",
        "src_ip",
    }
    assert reading.names == wanted | {"roles"}
    assert reading.compared == {
        Compared("event_name", "tool_call.decided"),
        Compared("event_name", "policy.changed"),
        Compared("gate", "scope"),
        Compared("gate", "hook"),
        Compared("decision", "deny"),
    }


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('`gatetrail` gate="scope', "not understood"),
        ("`gatetrail` (gate=scope", "( is not closed"),
        ("`gatetrail` gate=scope)", ") closes nothing"),
        ("`gatetrail` gaet=scope", "line 1, column 12: no field gaet is there"),
        ("`gatetrail` | stats count BY gate | where user_id=1", "no field user_id is there"),
        ("`gatetrail` | table gate | sort seq", "no field seq is there"),
        ("`gatetrail` | stat count", "no command that this reader knows: stat"),
        ("`gatetrail` | eval x=lowr(gate)", "no function that this reader knows: lowr"),
        ("`gatetrail` scope", "a word without a field: scope"),
        ("`gatetrail` [ search gaet=1 ]", "no field gaet is there"),
    ],
)
def test_a_wrong_spl_search_is_told(text: str, problem: str) -> None:
    assert any(problem in one for one in spl.read(text).problems)


def test_sumo_follows_the_fields_through_the_pipe() -> None:
    reading = sumo.read(
        """_sourceCategory=mcp/governance/audit
| json "gate", "user_id", "src_ip" as gate, who, src_ip nodrop
| where gate in ("scope", "hook") and !isEmpty(who) and !(gate = "none")
| lookup latitude, longitude as east from geo://location on ip = src_ip
| if(latitude > 0, 1, 0) as north | timeslice 5m
| backshift north, 1 as before by who
| count as n, count_distinct(east) by _timeslice, who, before | where n >= 2 and _count_distinct > 1 | sort by n desc"""
    )
    assert reading.problems == ()
    assert reading.names == {"gate", "user_id", "src_ip"}
    assert reading.compared == {Compared("gate", "scope"), Compared("gate", "hook"), Compared("gate", "none")}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('_sourceCategory=x | json "gaet" nodrop', "no field gaet is there"),
        ('_sourceCategory=x | where gate = "scope"', "no field gate is there"),
        ('_sourceCategory=x | json "gate" | count by gate | where user_id = "x"', "no field user_id is there"),
        ('_sourceCategory=x | json "gate", "seq" as a', "2 keys and 1 names"),
        ('_sourceCategory=x | json "gate" | wher gate', "no operator that this reader knows: wher"),
        ('_sourceCategory=x | json "gate" | where isEmpti(gate)', "no function that this reader knows: isEmpti"),
        ("_sourceCategroy=x | timeslice 5m", "no metadata that this reader knows: _sourceCategroy"),
        ("_sourceCategory=x | where (1 = 1", "( is not closed"),
    ],
)
def test_a_wrong_sumo_search_is_told(text: str, problem: str) -> None:
    assert any(problem in one for one in sumo.read(text).problems)


def test_keys_and_words_of_sql_are_seen() -> None:
    reading = sql.read(
        """SELECT event_id, e.body->>'reason' FROM audit_events e -- body->>'none'
WHERE decision = 'deny' AND (body->>'gate') IN ('scope', 'hook') AND body ? 'rule_id'
AND e.event_name <> 'policy.changed' AND x.colour = 'red'"""
    )
    assert reading.problems == ()
    assert reading.names == {"reason", "gate", "rule_id"}
    assert {(one.name, one.word) for one in reading.compared} == {
        ("decision", "deny"),
        ("gate", "scope"),
        ("gate", "hook"),
        ("event_name", "policy.changed"),
    }
