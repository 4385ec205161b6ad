"""The demo from beginning to end: open, serve, play, count, tell."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version

import orjson
from pydantic import SecretStr
from rich.console import Console

from gatetrail.clock import Clock, IdMaker, SystemClock
from gatetrail.demo.account import Account, account_of, settled, wrong_with
from gatetrail.demo.cast import ONLOOKER
from gatetrail.demo.hints import SINK_FILE, Shell, hints_for, invitation
from gatetrail.demo.party import Party, Proof
from gatetrail.demo.plan import SMALLEST, plan
from gatetrail.demo.probes import probe
from gatetrail.demo.progress import Bar
from gatetrail.demo.report import print_account, print_hints, print_text
from gatetrail.demo.traffic import Mint, Stage, play
from gatetrail.identity.bearer import mint
from gatetrail.redaction.log_lines import RedactedLines
from gatetrail.runtime import Gatetrail, open_records
from gatetrail.runtime.application import open_application
from gatetrail.runtime.database import open_database
from gatetrail.runtime.folder import data_dir, jwt_secret
from gatetrail.runtime.sample import sample_policy, sample_servers
from gatetrail.service.serving import serving
from gatetrail.settings import ServiceSettings

HOST = "127.0.0.1"
STOP_WITHIN_S = 5.0
PAUSE_S = 2.5
"""Between two calls of one caller after the show: three or four calls a second by all of them."""
SINK_NAME = "file"


async def run_demo(settings: ServiceSettings, *, once: bool, calls: int, json_output: bool) -> int:
    """Show the gates at work on real traffic; 0 when everything held, 1 with the reasons on stderr otherwise.

    Makes exactly `calls` tool calls under the sample policy. With `once` it ends then, on a port that the system
    chooses; else it goes on serving on the settings' port until it is cancelled. What it tells goes to stdout, as one
    JSON object with `json_output`. Raises `WrongUse`, `DatabaseUnavailable`, `DataFolderUnusable`, `MigrationRefused`
    or `PortTaken`.
    """
    parts = plan(calls)
    # Building an MCPServer sets up logging unless somebody has; the SDK logs each tool's failure.
    handler = logging.StreamHandler()
    handler.setFormatter(RedactedLines("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    demo = Demo(settings, parts, calls, once=once, json_output=json_output)
    return await demo.run(SystemClock())


@dataclass(frozen=True, slots=True)
class Running:
    """The service, up."""

    url: str
    gate: Gatetrail
    close: AsyncExitStack


class Demo:
    """One run."""

    def __init__(
        self,
        settings: ServiceSettings,
        parts: Sequence[tuple[Party, int]],
        calls: int,
        *,
        once: bool,
        json_output: bool,
    ) -> None:
        self._settings = settings
        self._parts = parts
        self._calls = calls
        self._once = once
        self._json_output = json_output

    async def run(self, clock: Clock) -> int:
        """Everything; gives the exit code."""
        started_s = clock.monotonic_s()
        with Bar(self._calls) as bar:
            bar.now("PostgreSQL starts")
            async with open_database(self._settings) as dsn:
                chosen = _on_database(self._settings, dsn)
                async with open_records(chosen) as records, self._service(chosen) as running:
                    bar.now("tool calls")
                    troubles = await self._play(running, chosen, bar, clock)
                    bar.now("reading the record")
                    await settled(records.tally, running.gate.instance_id)
                    if self._once:
                        # Whatever is recorded at the end counts as well.
                        await running.close.aclose()
                    account = await account_of(records, running.gate.instance_id)
                    bar.stop()
                    troubles += wrong_with(account, self._calls)
                    token = _mint_for(running.gate, chosen, clock)(ONLOOKER)
                    self._tell(account, running, token, clock.monotonic_s() - started_s)
                    _complain(troubles)
                    await self._go_on(running, chosen, clock)
        return 1 if troubles else 0

    @asynccontextmanager
    async def _service(self, settings: ServiceSettings) -> AsyncGenerator[Running]:
        async with AsyncExitStack() as stack:
            gate = await stack.enter_async_context(Gatetrail.open(sample_policy(), settings=settings))
            app = await stack.enter_async_context(open_application(gate, settings, sample_servers()))
            port = 0 if self._once else self._settings.port
            url = await stack.enter_async_context(serving(app, HOST, port))
            yield Running(url.rstrip("/"), gate, stack)

    async def _play(self, running: Running, settings: ServiceSettings, bar: Bar, clock: Clock) -> list[str]:
        stage = Stage(running.url, _mint_for(running.gate, settings, clock), version("gatetrail"), bar.called)
        await _to_the_end(stage, {asyncio.create_task(play(stage, self._parts)), asyncio.create_task(probe(stage))})
        return stage.troubles

    def _tell(self, account: Account, running: Running, token: str, duration_s: float) -> None:
        if self._json_output:
            sys.stdout.write(orjson.dumps(account.as_json(duration_s)).decode() + "\n")
        else:
            self._tell_people(account, running, token)
        sys.stdout.flush()

    def _tell_people(self, account: Account, running: Running, token: str) -> None:
        console = Console()
        print_account(console, account)
        shell = Shell(self._settings, running.gate.dsn)
        print_hints(console, hints_for(account, shell), shell)
        if not self._once:
            print_text(console, invitation(running.url, shell, token))

    async def _go_on(self, running: Running, settings: ServiceSettings, clock: Clock) -> None:
        """Calm traffic until Ctrl-C, so that whoever looks on sees something happen."""
        if self._once:
            return
        stage = Stage(
            running.url, _mint_for(running.gate, settings, clock), version("gatetrail"), _uncounted, pause_s=PAUSE_S
        )
        with contextlib.suppress(asyncio.CancelledError):  # Ctrl-C is how this ends
            while True:
                await _to_the_end(stage, {asyncio.create_task(play(stage, plan(SMALLEST)))})
                await asyncio.sleep(PAUSE_S)


async def _to_the_end(stage: Stage, work: set[asyncio.Task[None]]) -> None:
    try:
        await asyncio.wait(work)
    except asyncio.CancelledError:
        # A client that goes away in the middle of a request leaves a traceback in the server's log.
        stage.stopped.set()
        await asyncio.wait(work, timeout=STOP_WITHIN_S)
        raise
    for task in work:
        task.result()


def _uncounted() -> None:
    """Nobody counts what comes after the show."""


def _on_database(settings: ServiceSettings, dsn: str) -> ServiceSettings:
    """The settings with the database that is open now, and with a file for the events."""
    file = {"type": "file", "path": str(data_dir(settings) / SINK_FILE)}
    return settings.model_copy(update={"dsn": SecretStr(dsn), "sinks": {SINK_NAME: file, **settings.sinks}})


def _mint_for(gate: Gatetrail, settings: ServiceSettings, clock: Clock) -> Mint:
    identity, secret, ids = gate.policy.document.identity, jwt_secret(settings), IdMaker(clock)

    def mint_for(proof: Proof) -> str:
        return mint(
            identity,
            secret,
            clock,
            ids,
            user=proof.user_id,
            tier=proof.tier,
            department=proof.department,
            scopes=proof.scopes,
            roles=proof.roles,
        )

    return mint_for


def _complain(troubles: Sequence[str]) -> None:
    for trouble in troubles:
        sys.stderr.write(f"gatetrail: demo: {trouble}\n")
