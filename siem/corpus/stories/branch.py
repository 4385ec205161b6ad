"""Question 15: a second house, whose chain has numbers of its own. Thursday, 19 March, in the afternoon."""

from __future__ import annotations

from siem.corpus.expectation import TIER
from siem.corpus.people import user
from siem.corpus.stage import Stage

RULE = "journal_gap"


async def tell(stage: Stage) -> None:
    """Both houses are at work, and their lines lie between each other."""
    stage.at("2026-03-19T15:00:00Z")
    async with stage.process() as process, stage.branch() as branch, branch.process() as other:
        first = other.opening.id_of("policy.changed")
        stage.planted.near_miss(
            RULE, [first], "the first of another chain: 5001, where the chain before was below 2000"
        )
        bella = user("bella", session="s-bella", ip="192.0.2.150")
        bert = user("bert", session="s-bert", ip="192.0.2.151")
        for _ in range(3):
            stage.later(seconds=40)
            await other.call(bella, "list_invoices")
            here = await process.call(bert, "list_invoices")
            stage.planted.near_miss(RULE, [here.id], "behind lines of the other chain, but behind its own number")
        await other.call(bella, "close_books", TIER)
        await other.list_tools(bella)
        stage.lines.lose(await other.list_tools(bella))
        after = await other.list_tools(bella)
        stage.planted.case(RULE, [after.id_of("manifest.listed")], "the branch's line before it got lost")
