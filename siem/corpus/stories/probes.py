"""Question 3: who probes, and from which address. Wednesday, 4 March."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from siem.corpus.expectation import SCANNER, TIER
from siem.corpus.people import Who, user
from siem.corpus.process import Process
from siem.corpus.stage import Stage
from siem.corpus.step import Step

RULE = "scanner_probes_by_address"
PATHS = ("/.env", "/.git/config", "/wp-login.php", "/phpmyadmin/index.php", "/cgi-bin/luci")
SCANNER_AGENT = "sqlmap/1.8#stable (https://sqlmap.org)"


class Prober:
    """Asks for one path after another, from one address."""

    def __init__(self, stage: Stage, process: Process, address: str) -> None:
        self._stage = stage
        self._process = process
        self._who = Who("nobody", ip=address, agent="Mozilla/5.0 (compatible; probe)")
        self._count = 0

    async def path(self) -> Step:
        """A path that only probes ask for."""
        self._count += 1
        step = await self._process.get(PATHS[self._count % len(PATHS)], self._who)
        self._stage.planted.broad("scanner_probe", step.id_of("scanner.detected"))
        return step

    async def paths(self, start: str, offsets_s: Iterable[float]) -> Sequence[str]:
        """Event ids."""
        steps = await self._stage.series(start, offsets_s, self.path)
        return [step.id_of("scanner.detected") for step in steps]

    async def calls(self, start: str, offsets_s: Iterable[float], name: str) -> Sequence[str]:
        """The same with tool calls of a scanner's own."""
        who = user(name, session=f"s-{name}", ip=self._who.ip, agent=SCANNER_AGENT)
        steps = await self._stage.series(start, offsets_s, lambda: self._process.call(who, "list_invoices", SCANNER))
        return [step.id for step in steps]


async def tell(stage: Stage) -> None:
    """One address after another."""
    async with stage.process() as process:
        await _cases(stage, process)
        await _near_misses(stage, process)


async def _cases(stage: Stage, process: Process) -> None:
    found = await Prober(stage, process, "203.0.113.20").paths("2026-03-04T09:00:30Z", range(0, 23 * 10, 10))
    stage.planted.case(RULE, found[19:], "23 probes from 203.0.113.20 within four minutes")
    found = await Prober(stage, process, "203.0.113.21").paths("2026-03-04T09:17:30Z", range(0, 20 * 15, 15))
    stage.planted.case(RULE, found[19:], "20 probes from 203.0.113.21, half of them before 09:20, half after")
    offsets_s = [*range(0, 19 * 15, 15), 300]
    found = await Prober(stage, process, "203.0.113.22").paths("2026-03-04T09:30:00Z", offsets_s)
    stage.planted.case(
        RULE, found[19:], "20 probes from 203.0.113.22, the last one exactly five minutes after the first"
    )
    mixed = Prober(stage, process, "2001:db8::23")
    first = await mixed.paths("2026-03-04T09:40:10Z", range(0, 10 * 5, 5))
    second = await mixed.calls("2026-03-04T09:41:10Z", range(0, 10 * 5, 5), "sly")
    stage.planted.case(RULE, [*first, *second][19:], "ten probes and ten calls of a scanner from 2001:db8::23")


async def _near_misses(stage: Stage, process: Process) -> None:
    found = await Prober(stage, process, "203.0.113.30").paths("2026-03-04T10:00:00Z", range(0, 19 * 5, 5))
    stage.planted.near_miss(RULE, found, "19 probes from one address: one too few")
    offsets_s = [*range(0, 19 * 15, 15), 301]
    found = await Prober(stage, process, "203.0.113.31").paths("2026-03-04T10:10:00Z", offsets_s)
    stage.planted.near_miss(RULE, found, "20 probes, the last one five minutes and a second after the first")
    left = await Prober(stage, process, "203.0.113.32").paths("2026-03-04T10:20:00Z", range(0, 10 * 5, 5))
    right = await Prober(stage, process, "203.0.113.33").paths("2026-03-04T10:21:00Z", range(0, 10 * 5, 5))
    stage.planted.near_miss(RULE, [*left, *right], "20 probes from two neighbouring addresses: ten each")
    await _from_nowhere(stage, process)
    other = user("stubborn", session="s-stubborn", ip="203.0.113.34")
    steps = await stage.series(
        "2026-03-04T10:30:00Z", range(0, 22 * 5, 5), lambda: process.call(other, "close_books", TIER)
    )
    denied = [step.id for step in steps]
    stage.planted.near_miss(RULE, denied, "22 denials from one address, by another gate than the scanner")
    stage.planted.near_miss("scanner_probe", denied[:1], "a denial by another gate")
    stage.planted.near_miss("call_denied", left[:1], "a probe that is no call")
    fine = await process.call(user("walker", session="s-walker", ip="203.0.113.20"), "list_invoices")
    stage.planted.near_miss("scanner_probe", [fine.id], "an allowed call from the address of a prober")


async def _from_nowhere(stage: Stage, process: Process) -> None:
    who = user("embedded", session="s-embedded", agent=SCANNER_AGENT)
    steps = await stage.series(
        "2026-03-04T10:25:00Z", range(0, 21 * 5, 5), lambda: process.inside(who, "list_invoices", SCANNER)
    )
    found = [step.id for step in steps]
    stage.planted.near_miss(RULE, found, "21 calls of a scanner within the process, which come from no address")
