"""Changes of rules that nobody can notice, and why not."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Explanation:
    """For all changes of these rules whose clause fits; `rules` and `clause` are regular expressions."""

    rules: str
    clause: str
    why: str

    def covers(self, rule: str, what: str) -> bool:
        """Whether it is about this change."""
        return re.fullmatch(self.rules, rule) is not None and re.search(self.clause, what) is not None


_LOOKBACK = r"AND recorded_at >= :'since'::timestamptz - interval '[^']+'"

EXPLANATIONS = (
    Explanation(
        r".*",
        rf"\+ 1.5 s in: {_LOOKBACK}$",
        "It reads further back than anything counts that begins there; what was read too much is counted by nothing.",
    ),
    Explanation(
        r".*",
        rf"{_LOOKBACK} gone",
        "It spares the database what is too old to count; without it the whole record is read, with the same answer.",
    ),
    Explanation(
        r"tool_new_for_user|allowed_after_policy_change|denied_burst_then_allowed",
        r"AND user_id IS NOT NULL gone",
        "NULL equals nothing: a row without it finds no other row to be compared with. It says what is meant.",
    ),
    Explanation(
        r"denied_burst_then_allowed",
        r"EQL: line \d: user_id != null, gone",
        "Keys of `by` must have a value (Elasticsearch reference, EQL syntax, join keys): it is said once more.",
    ),
    Explanation(
        r"tool_new_for_user|admin_tool_first_used",
        r"AND known\.seq < used\.seq gone",
        "What is a week older was recorded before as well, unless a clock was wrong by a week.",
    ),
    Explanation(
        r"call_without_outcome",
        r"outcome\.recorded_at >= :'since'",
        "An outcome is no older than its decision; the hour is for processes whose clocks differ, and none do here.",
    ),
    Explanation(
        r"call_without_outcome",
        r"AND outcome\.recorded_at <= :'until'\) gone",
        "The events end at the time of asking; it matters to whoever asks how things were at an earlier time.",
    ),
    Explanation(
        r"impossible_travel",
        rf"- 1.5 s in: {_LOOKBACK}$",
        "In 23 hours one gets anywhere at 900 km/h: what is older than that makes no travel impossible.",
    ),
    Explanation(
        r"impossible_travel",
        r"WHERE previous_at IS NOT NULL gone",
        "Without a call before, the way is NULL and no longer than 500 km.",
    ),
    Explanation(
        r"allowed_after_policy_change",
        rf"- 1.5 s in: {_LOOKBACK}$",
        "A change counts only behind its denial, which is looked back for itself; it is hardly a second behind it.",
    ),
    Explanation(
        r"allowed_after_policy_change",
        r"AND recorded_at <= :'until' gone",
        "Denials and changes count only before the allowed call, and that one is not after `until`.",
    ),
    Explanation(
        r"allowed_after_policy_change",
        r"IN \(SELECT user_id, server_name, tool_name FROM denial\) gone",
        "It spares the sort of all other calls; the join below asks for the same.",
    ),
)


def explained(rule: str, what: str) -> Explanation | None:
    """Why nobody noticed this change; None where somebody should have."""
    return next((one for one in EXPLANATIONS if one.covers(rule, what)), None)
