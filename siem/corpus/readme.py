"""The page beside the events: what is in them, and what was planted for each rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

HEAD = """# Events to try the rules with

Made by `python -m siem.corpus`, as is this page; `--check` says what would be different.

| File | What it is |
|---|---|
| `audit.jsonl` | {events} events of three weeks of March 2026, a line each, in the order in which they were recorded |
| `golden.json` | for each rule the `event_id`s that it must find, and near misses that it must not, with reasons |
| `places.csv` | where the addresses are supposed to be: all of them are for documentation (RFC 5737, RFC 3849) |
| `every-kind.jsonl` | one event of each of the {kinds} names, with every key that it may have |

The product itself has recorded the events, over a real PostgreSQL, under a clock that is told the time and with seeded
ids: the files are the same, byte for byte, wherever and whenever they are made. Scripts in `siem/corpus/stories/` call
it by the doors that callers have, say before each step what has to come of it, and say what each rule has to find:
golden comes from what the script means, not from a query.

Worth knowing before you load them:

- There are two houses with a journal, hence a `chain_id`, each. Some lines are missing on purpose: `journal_gap`.
- Of one journal, a few events are older than the ones before them: they were spooled while the database took nothing.
- "Now" is the `@timestamp` of the last event. Set the time range of a search to March 2026, not to the last hours.
- Users, tools and reasons have quotes, pipes, backslashes, asterisks, percent signs and line breaks in them.
- A rule that counts finds each event at which its condition holds. Windows slide; both of their ends belong to them.

## What was planted

| Rule | Must be found | Cases | Near misses |
|---|---:|---:|---:|
"""


def readme(golden: Mapping[str, Mapping[str, Any]], *, events: int, kinds: int) -> bytes:
    """`README.md`, in Markdown."""
    rows = "".join(
        f"| [`{rule}`](#{rule}) | {len(found['matches'])} | {len(found['cases'])} | {len(found['near_misses'])} |\n"
        for rule, found in golden.items()
    )
    text = HEAD.format(events=events, kinds=kinds) + rows + "".join(_sections(golden))
    return text.encode()


def _sections(golden: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for rule, found in golden.items():
        yield f"\n### {rule}\n\n"
        yield from _lines("Finds", found["cases"])
        yield from _lines("Not", found["near_misses"])


def _lines(word: str, planted: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The same sentence is told once, with the number of its events."""
    counts: dict[str, int] = {}
    for one in planted:
        counts[one["why"]] = counts.get(one["why"], 0) + len(one["event_ids"])
    for why, count in counts.items():
        yield f"- {word} ({count}): {why}\n"
