"""What Gatetrail has to do, as rows with ids.

A test says which rows it shows: `@pytest.mark.requirement("B3")`. A row is `built` once at least
one test shows it; `tests/contract/test_requirements.py` holds both sides to that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Requirement:
    """One promise of the product, and whether it is kept yet."""

    id: str
    status: Literal["built", "later"]
    sentence: str


REQUIREMENTS = (
    # --- A, one enforcement surface ---
    Requirement(
        "A1",
        "built",
        "Every tool call, whoever makes it and whichever way it comes in, is checked in the "
        "dispatcher before its handler runs; no import and no setting leads around the check.",
    ),
    Requirement(
        "A2",
        "built",
        "The check runs in the process that hosts the tool; no proxy and no remote policy service takes part in it.",
    ),
    Requirement(
        "A3",
        "built",
        "What a server asks for (tier, scopes, audience, departments) is looked up for each call.",
    ),
    Requirement(
        "A4",
        "built",
        "The bearer token of the request is decoded, validated and turned into a typed result.",
    ),
    Requirement(
        "A5",
        "built",
        "Who is calling travels from the HTTP headers into every MCP request.",
    ),
    Requirement(
        "A6",
        "built",
        "MCP sessions are kept in memory and in PostgreSQL; after a restart a client of either "
        "protocol era goes on with its session.",
    ),
    Requirement(
        "A7",
        "built",
        "Two lines put the gate into an MCPServer, a low-level Server or a FastMCP server, and one "
        "more guards any coroutine.",
    ),
    Requirement(
        "A8",
        "built",
        "A server that cannot be changed is mounted behind the same gate, which alone holds the credentials for it.",
    ),
    Requirement(
        "A9",
        "built",
        "An agent's own tools pass the same gates through a hook endpoint and a command, which "
        "denies when the service is away.",
    ),
    # --- B, four gates ---
    Requirement(
        "B1",
        "built",
        "Four synchronous gates stand in a fixed order (scope, scanner, blocklist, rate), and the "
        "first that denies ends the call.",
    ),
    Requirement(
        "B2",
        "built",
        "The scope gate compares the caller's tier and scopes with what server and tool ask for, "
        "by numeric level; its denial names the required and the actual tier.",
    ),
    Requirement(
        "B3",
        "built",
        "A session that was opened by an analyst and later carries an administrator's token still "
        "cannot call a tool for administrators.",
    ),
    Requirement(
        "B4",
        "built",
        "The scanner gate knows probe paths, the agents of scanners and bursts; administrators are "
        "not exempt, and a hit is an event like any other.",
    ),
    Requirement(
        "B5",
        "built",
        "The scanner gate sees through encodings, case, dots and slashes, finds probes inside MCP, "
        "and locks out who keeps on probing.",
    ),
    Requirement("B6", "built", "The blocklist denies tools, users and data domains."),
    Requirement(
        "B7",
        "built",
        "The blocklist denies argument values by path and pattern, with a reason and an expiry.",
    ),
    Requirement(
        "B8",
        "built",
        "The rate gate is a token bucket for each caller and endpoint, scaled by tier, which "
        "refills smoothly and says exactly how long to wait.",
    ),
    Requirement(
        "B9",
        "built",
        "Buckets hold across processes and machines; without the shared store the answer is stricter, never free.",
    ),
    Requirement(
        "B10",
        "built",
        "Every gate gives a typed pass or denial and nothing between; a denial names its gate.",
    ),
    # --- C, tiers and identity ---
    Requirement(
        "C1",
        "built",
        "Six tiers form one enum with numeric levels; a higher one satisfies a lower one, and a mismatch is typed.",
    ),
    Requirement(
        "C2",
        "built",
        "Claims carry department, roles and session; a tool outside the caller's scope is absent "
        "from lists and answers like a tool that does not exist.",
    ),
    Requirement(
        "C3",
        "built",
        "A proxy may vouch for an end user by headers; the same checks run and the row names that user.",
    ),
    Requirement(
        "C4",
        "built",
        "The proxy proves itself by its network and a signature over time and nonce; identity "
        "headers from anybody else are stripped and reported.",
    ),
    Requirement("C5", "built", "Tokens signed with HS256 are checked for issuer and audience."),
    Requirement(
        "C6",
        "built",
        "RS256, ES256 and EdDSA with rotating key sets, revocation by token id, and the metadata "
        "and challenges that OAuth clients expect.",
    ),
    # --- D, synchronous deny, live policy, hooks ---
    Requirement("D1", "built", "A denied call never reaches its handler."),
    Requirement(
        "D2",
        "built",
        "Rates, bursts, scopes and blocklist stand in a YAML file that is re-read while running; "
        "the swap is atomic and a bad file leaves the last good one in force.",
    ),
    Requirement(
        "D3",
        "built",
        "A pending row is committed before the tool runs and becomes success, failed or timeout; "
        "the table itself refuses partial rows.",
    ),
    Requirement(
        "D4",
        "built",
        "Allowed and denied calls alike leave a row with trace, user, session and tool in one table.",
    ),
    Requirement("D5", "built", "Ten lifecycle hooks run outside actions, chosen by matchers, in good time."),
    Requirement(
        "D6",
        "built",
        "Without a durable row nothing is dispatched, whatever breaks underneath.",
    ),
    Requirement(
        "D7",
        "built",
        "A changed policy is tried on recorded decisions, then runs in shadow, then is enforced.",
    ),
    Requirement("D8", "built", "One command explains a decision completely from its id."),
    # --- E, structured audit for SIEM ---
    Requirement(
        "E1",
        "built",
        "Every decision and every tool invocation is structured JSON with the six fixed ids.",
    ),
    Requirement("E2", "built", "JSON log files are written that syslog and Fluentd pick up."),
    Requirement(
        "E3",
        "built",
        "A live stream tracks connections by user, beats often, and clears away dropped subscribers by itself.",
    ),
    Requirement("E4", "built", "Events are queried from the command line."),
    Requirement("E5", "built", "File, Fluentd, stream, command line and SQL show the same JSON."),
    Requirement(
        "E6",
        "built",
        "Rate denials stand beside all others, with caller type and rate tier, so that who was "
        "limited last week is one query.",
    ),
    Requirement(
        "E7",
        "built",
        "Splunk, Elastic, Datadog and Sumo Logic take the events in without a parser of ours; sample queries ship.",
    ),
    Requirement("E8", "built", "Versioned JSON Schemas ship and are held to by tests."),
    Requirement(
        "E9",
        "built",
        "Events go straight to Fluentd with acknowledgements and TLS, and to syslog over UDP, TCP, TLS and RELP.",
    ),
    Requirement(
        "E10",
        "built",
        "No sink loses an event when either side crashes, and each can be replayed from any point.",
    ),
    Requirement("E11", "built", "Events are rendered as OCSF, ECS, CEF and LEEF and sent by OTLP."),
    Requirement(
        "E12",
        "built",
        "Detection rules come from one Sigma source, and each is shown to fire on the sample it is "
        "for and on nothing else.",
    ),
    Requirement(
        "E13",
        "built",
        "The stream resumes from the journal after the last event seen, and a slow subscriber is told what it missed.",
    ),
    # --- F, trust in the record ---
    Requirement(
        "F1",
        "later",
        "The journal is append-only and chained by hashes, signed checkpoints leave the house, and "
        "verification names the first bad row.",
    ),
    Requirement(
        "F2",
        "built",
        "Nothing can be missing unseen: the sequence has no gaps, heartbeats carry counts, and "
        "orphaned calls are closed.",
    ),
    Requirement(
        "F3",
        "built",
        "Secrets and personal data in arguments are redacted before anything is written; the digest remains.",
    ),
    Requirement(
        "F4",
        "later",
        "A million rows an hour stay cheap, and old ones can go without losing verifiability.",
    ),
    # --- G, people ---
    Requirement(
        "G1",
        "built",
        "On a fresh machine one command shows the main job and one runs the tests.",
    ),
    Requirement(
        "G2",
        "built",
        "A live page shows decisions, denials by gate, rates and the health of sinks, down to the single decision.",
    ),
    Requirement("G3", "built", "Auditors have a documented table, views and a role that can only read."),
    Requirement(
        "G4",
        "built",
        "A container image, a compose file, Kubernetes manifests and a systemd unit ship.",
    ),
    Requirement("G5", "built", "Health, readiness, Prometheus metrics and traces are served."),
)
