-- What auditors meet: views that shorten their questions, and a comment on everything that they can read.
-- Views that count or put things side by side look back fourteen days, so that they stay quick on a table of any size.

-- What no allowed call causes: some rows a minute, however many calls there are.
CREATE INDEX audit_events_rare ON audit_events (event_name, recorded_at) WHERE event_name IN (
    'audit.heartbeat', 'audit.checkpoint', 'audit.gap', 'audit.sink_failed', 'audit.sink_recovered', 'execution.orphaned',
    'identity.refused', 'policy.changed', 'policy.rejected', 'scanner.detected');

CREATE OR REPLACE VIEW denied_calls AS
SELECT started_at, gate, reason_code, user_id, caller_type, actual_tier, required_tier, server_name, tool_name, method,
       session_id, trace_id, client_id, src_ip, retry_after_ms, policy_version, execution_id, rate_limit_tier
FROM mcp_tool_executions
WHERE gate <> 'none';

DROP VIEW rate_limited_callers;
CREATE VIEW rate_limited_callers AS
SELECT date_trunc('hour', started_at) AS hour, user_id, src_ip, caller_type, rate_limit_tier, count(*) AS denials,
       max(retry_after_ms) AS longest_wait_ms
FROM mcp_tool_executions
WHERE gate = 'rate_limit' AND execution_id >= gatetrail_id_floor(now() - interval '14 days')
GROUP BY 1, 2, 3, 4, 5;

-- Keys of the line are taken out one by one: then a query pays for those that it asks for, and for no other.
CREATE VIEW scanner_probes AS
SELECT started_at AS probed_at, src_ip, user_id, reason_code, server_name || '/' || tool_name AS target, execution_id
FROM mcp_tool_executions
WHERE gate = 'scanner' AND execution_id >= gatetrail_id_floor(now() - interval '14 days')
UNION ALL
SELECT recorded_at, body ->> 'src_ip', user_id, body ->> 'reason_code', body ->> 'endpoint', NULL
FROM audit_events
WHERE event_name = 'scanner.detected' AND recorded_at >= now() - interval '14 days';

CREATE VIEW identity_refusals AS
SELECT recorded_at AS refused_at, body ->> 'src_ip' AS src_ip, body ->> 'claimed_user_id' AS claimed_user_id,
       body ->> 'auth_method' AS auth_method, body ->> 'reason_code' AS reason_code, body ->> 'reason' AS reason,
       body ->> 'endpoint' AS endpoint, body ->> 'http_user_agent' AS http_user_agent, session_id, trace_id, seq
FROM audit_events
WHERE event_name = 'identity.refused';

CREATE VIEW policy_changes AS
SELECT recorded_at AS changed_at, event_name = 'policy.changed' AS in_force, body ->> 'policy_version' AS policy_version,
       body ->> 'previous_policy_version' AS previous_policy_version, body ->> 'policy_source' AS policy_source,
       body -> 'changes' AS changes, body ->> 'reason' AS reason, (body ->> 'instance_id')::uuid AS instance_id, seq
FROM audit_events
WHERE event_name IN ('policy.changed', 'policy.rejected');

CREATE VIEW heartbeats AS
SELECT recorded_at AS beat_at, (body ->> 'instance_id')::uuid AS instance_id, (body ->> 'allowed_count')::bigint AS allowed_count,
       (body ->> 'denied_count')::bigint AS denied_count, (body ->> 'completed_count')::bigint AS completed_count,
       (body ->> 'exported_count')::bigint AS exported_count, seq
FROM audit_events
WHERE event_name = 'audit.heartbeat';

CREATE VIEW audit_incidents AS
SELECT recorded_at AS happened_at, event_name, body ->> 'sink_name' AS sink_name, body ->> 'reason' AS reason,
       (body ->> 'cursor_seq')::bigint AS cursor_seq, (body ->> 'quarantined_seq')::bigint AS quarantined_seq,
       (body ->> 'first_missing_seq')::bigint AS first_missing_seq, (body ->> 'last_missing_seq')::bigint AS last_missing_seq,
       execution_id, seq
FROM audit_events
WHERE event_name IN ('audit.gap', 'audit.sink_failed', 'audit.sink_recovered', 'execution.orphaned');

CREATE VIEW trace_steps AS
SELECT trace_id, seq, recorded_at, event_name, execution_id, server_name, tool_name, user_id, session_id, client_id, decision, gate,
       body ->> 'reason_code' AS reason_code, body ->> 'reason' AS reason, body ->> 'gate_scope' AS gate_scope,
       body ->> 'gate_scanner' AS gate_scanner, body ->> 'gate_blocklist' AS gate_blocklist,
       body ->> 'gate_rate_limit' AS gate_rate_limit, (body ->> 'decision_us')::bigint AS decision_us,
       body ->> 'arguments_digest' AS arguments_digest, body ->> 'arguments_preview' AS arguments_preview,
       body ->> 'execution_status' AS execution_status, (body ->> 'latency_ms')::double precision AS latency_ms,
       body ->> 'error_class' AS error_class
FROM audit_events
WHERE trace_id IS NOT NULL;

CREATE VIEW record_health AS
SELECT head.seq AS head_seq,
       (SELECT recorded_at FROM audit_events ORDER BY seq DESC LIMIT 1) AS last_event_at,
       (SELECT recorded_at FROM audit_events WHERE event_name = 'audit.heartbeat' ORDER BY recorded_at DESC LIMIT 1) AS last_heartbeat_at,
       pending.count AS pending, pending.oldest_at AS oldest_pending_at, pending.stuck,
       sink.count AS sinks, sink.failing AS failing_sinks, sink.behind AS most_events_behind,
       (SELECT count(*) FROM sink_quarantine) AS quarantined,
       noted.checked_at AS verified_at, noted.intact AS verified_intact, noted.head_seq AS verified_head_seq
FROM chain_head AS head
CROSS JOIN (
    SELECT count(*) AS count, min(started_at) AS oldest_at, count(*) FILTER (WHERE started_at < now() - interval '5 minutes') AS stuck
    FROM mcp_tool_executions WHERE status = 'pending') AS pending
CROSS JOIN (
    SELECT count(*) AS count, count(failing_since) AS failing, max((SELECT seq FROM chain_head) - sink_cursors.seq) AS behind
    FROM sink_cursors) AS sink
LEFT JOIN (SELECT checked_at, intact, head_seq FROM verifications ORDER BY verification_id DESC LIMIT 1) AS noted ON true;

COMMENT ON TABLE chain_head IS 'Where the chain ends. One row, locked by the transaction that appends: so the order of seq is the order of commits.';
COMMENT ON COLUMN chain_head.only_row IS 'Always true: there is one chain and one row.';
COMMENT ON COLUMN chain_head.chain_id IS 'Names the chain; stands in every event.';
COMMENT ON COLUMN chain_head.seq IS 'The newest position; 0 while there is none.';
COMMENT ON COLUMN chain_head.event_hash IS 'The hash of the newest event; 64 zeros while there is none.';

COMMENT ON TABLE audit_events IS 'The journal: every event in order, without holes, append-only. body is the exact line that every sink gets; the other columns repeat keys of it.';
COMMENT ON COLUMN audit_events.seq IS 'Position, from 1, without holes. Order by this, never by a time.';
COMMENT ON COLUMN audit_events.event_id IS 'UUIDv7. Every copy of the event, in whatever system, has the same.';
COMMENT ON COLUMN audit_events.event_name IS 'What happened, one of a closed list; schemas/v1 describes each.';
COMMENT ON COLUMN audit_events.recorded_at IS 'When it happened (@timestamp of the line). Out of step with seq where a process had to wait with its event, or where clocks differ.';
COMMENT ON COLUMN audit_events.user_id IS 'Who is answerable: the subject of the verified identity. NULL for anonymous callers and for what no caller did.';
COMMENT ON COLUMN audit_events.session_id IS 'The session that tier and owner are bound to.';
COMMENT ON COLUMN audit_events.trace_id IS 'W3C trace, 32 hexadecimal digits: one piece of work across calls and systems.';
COMMENT ON COLUMN audit_events.client_id IS 'The program that asked, for instance an agent.';
COMMENT ON COLUMN audit_events.server_name IS 'The MCP server, by the name that the policy knows.';
COMMENT ON COLUMN audit_events.tool_name IS 'The tool, prompt or resource, as it was asked for.';
COMMENT ON COLUMN audit_events.execution_id IS 'The decision that it belongs to; the key of mcp_tool_executions.';
COMMENT ON COLUMN audit_events.decision IS 'allow or deny.';
COMMENT ON COLUMN audit_events.gate IS 'Who denied: scope, scanner, blocklist, rate_limit, hook or audit; none when it was allowed.';
COMMENT ON COLUMN audit_events.body IS 'The line itself, with all keys. Take one out with body ->> ''reason''.';
COMMENT ON COLUMN audit_events.prev_hash IS 'event_hash of the event before; 64 zeros in the first.';
COMMENT ON COLUMN audit_events.event_hash IS 'SHA-256 of the line without this key. gatetrail verify recomputes it.';

COMMENT ON TABLE mcp_tool_executions IS 'One row for each decision, allow and deny. A denied row has a gate and a reason and no outcome; a final row has an outcome; a pending row has neither.';
COMMENT ON COLUMN mcp_tool_executions.execution_id IS 'Names the decision: the id in the caller''s error and of gatetrail why. UUIDv7, so it also holds the time: execution_id >= gatetrail_id_floor(moment).';
COMMENT ON COLUMN mcp_tool_executions.trace_id IS 'W3C trace, 32 hexadecimal digits. Every call has one, its own or a new one.';
COMMENT ON COLUMN mcp_tool_executions.user_id IS 'Who is answerable: the subject of the verified identity. NULL for anonymous callers.';
COMMENT ON COLUMN mcp_tool_executions.session_id IS 'The session that tier and owner are bound to.';
COMMENT ON COLUMN mcp_tool_executions.context_id IS 'The conversation or run, as the client names it.';
COMMENT ON COLUMN mcp_tool_executions.client_id IS 'The program that asked, for instance an agent.';
COMMENT ON COLUMN mcp_tool_executions.task_id IS 'The task that the call is a part of, as the client names it.';
COMMENT ON COLUMN mcp_tool_executions.server_name IS 'The MCP server, by the name that the policy knows.';
COMMENT ON COLUMN mcp_tool_executions.tool_name IS 'The tool, prompt or resource, as it was asked for, whether there is one or not.';
COMMENT ON COLUMN mcp_tool_executions.method IS 'The MCP method, for instance tools/call.';
COMMENT ON COLUMN mcp_tool_executions.caller_type IS 'What kind of party asked: admin, user, service, a2a, mcp or anonymous.';
COMMENT ON COLUMN mcp_tool_executions.actual_tier IS 'The tier in force: the lowest of token and session. From high to low: admin, user, service, a2a, mcp, anonymous.';
COMMENT ON COLUMN mcp_tool_executions.required_tier IS 'The tier that the policy demands here; NULL where it names none.';
COMMENT ON COLUMN mcp_tool_executions.rate_limit_tier IS 'The tier whose allowance of calls was used.';
COMMENT ON COLUMN mcp_tool_executions.department IS 'From the verified identity.';
COMMENT ON COLUMN mcp_tool_executions.status IS 'pending, success, failed, timeout or denied.';
COMMENT ON COLUMN mcp_tool_executions.gate IS 'Who denied: scope, scanner, blocklist, rate_limit, hook or audit; none when it was allowed.';
COMMENT ON COLUMN mcp_tool_executions.reason_code IS 'Why, as one word of a closed list; allowed when it was. The sentence is in the journal: gatetrail why, or trace_steps.';
COMMENT ON COLUMN mcp_tool_executions.policy_version IS 'Which policy decided: the start of the SHA-256 of its content.';
COMMENT ON COLUMN mcp_tool_executions.instance_id IS 'Which process decided. UUIDv7, so it holds the time of its start.';
COMMENT ON COLUMN mcp_tool_executions.src_ip IS 'Address of the peer; NULL for calls from inside the process. Behind a proxy that is not trusted it is the proxy''s.';
COMMENT ON COLUMN mcp_tool_executions.retry_after_ms IS 'How long the caller was told to wait, in milliseconds; only where the rate was exceeded.';
COMMENT ON COLUMN mcp_tool_executions.started_at IS 'When it was decided.';
COMMENT ON COLUMN mcp_tool_executions.finished_at IS 'When the outcome was known; NULL while pending, and for denied calls.';
COMMENT ON COLUMN mcp_tool_executions.latency_ms IS 'From the commit of the decision to the end of the handler, in milliseconds; NULL where nobody knows.';
COMMENT ON COLUMN mcp_tool_executions.error_class IS 'What went wrong, as a class to group by; time_limit for timeouts, orphaned when the process had died.';
COMMENT ON COLUMN mcp_tool_executions.decided_seq IS 'The decision''s position in the journal.';
COMMENT ON COLUMN mcp_tool_executions.outcome_seq IS 'The outcome''s position in the journal.';

COMMENT ON COLUMN mcp_sessions.session_id IS 'As the token or the transport names it.';
COMMENT ON COLUMN mcp_sessions.user_id IS 'Who opened it and owns it; NULL when it was opened without an identity.';
COMMENT ON COLUMN mcp_sessions.issuer IS 'Who vouched for the owner.';
COMMENT ON COLUMN mcp_sessions.client_id IS 'The program that opened it.';
COMMENT ON COLUMN mcp_sessions.department IS 'Of the owner, from the verified identity.';
COMMENT ON COLUMN mcp_sessions.tier IS 'The tier that no call in this session can rise above.';
COMMENT ON COLUMN mcp_sessions.opened_at IS 'When it was seen first, by the clock of the database.';

COMMENT ON COLUMN sink_cursors.sink_name IS 'By its name in the settings.';
COMMENT ON COLUMN sink_cursors.seq IS 'Everything up to here was acknowledged or is in quarantine.';
COMMENT ON COLUMN sink_cursors.acknowledged_at IS 'When it acknowledged something last.';
COMMENT ON COLUMN sink_cursors.last_error IS 'Why it takes nothing now; NULL while it does.';
COMMENT ON COLUMN sink_cursors.failing_since IS 'Since when; NULL while it takes events.';
COMMENT ON COLUMN sink_cursors.exported_count IS 'How many events it has acknowledged while following, replays not counted.';
COMMENT ON COLUMN sink_cursors.updated_at IS 'When this row changed last.';

COMMENT ON COLUMN sink_quarantine.sink_name IS 'Who did not take it.';
COMMENT ON COLUMN sink_quarantine.seq IS 'Its position in the journal.';
COMMENT ON COLUMN sink_quarantine.event_id IS 'As in the journal.';
COMMENT ON COLUMN sink_quarantine.event_name IS 'As in the journal.';
COMMENT ON COLUMN sink_quarantine.body IS 'The line.';
COMMENT ON COLUMN sink_quarantine.reason IS 'What the sink said.';
COMMENT ON COLUMN sink_quarantine.quarantined_at IS 'When it was put aside.';

COMMENT ON COLUMN sink_replays.replay_id IS 'Its number.';
COMMENT ON COLUMN sink_replays.sink_name IS 'Who is to get events once more.';
COMMENT ON COLUMN sink_replays.kind IS 'range: all events from first_seq to last_seq; quarantine: those of them that had been put aside.';
COMMENT ON COLUMN sink_replays.first_seq IS 'From here.';
COMMENT ON COLUMN sink_replays.last_seq IS 'To here, this one included.';
COMMENT ON COLUMN sink_replays.next_seq IS 'What comes next; last_seq + 1 when all is done.';
COMMENT ON COLUMN sink_replays.delivered_count IS 'How many events were acknowledged.';
COMMENT ON COLUMN sink_replays.quarantined_count IS 'How many were put aside (again).';
COMMENT ON COLUMN sink_replays.last_error IS 'Why it does not go on now; NULL while it does.';
COMMENT ON COLUMN sink_replays.requested_at IS 'When it was asked for.';
COMMENT ON COLUMN sink_replays.finished_at IS 'When it ended; NULL while it is open.';
COMMENT ON COLUMN sink_replays.cancelled IS 'True when it was called off.';

COMMENT ON TABLE schema_migrations IS 'Which migrations made this schema, and from which text.';
COMMENT ON COLUMN schema_migrations.name IS 'The file.';
COMMENT ON COLUMN schema_migrations.sha256 IS 'Of its content: an edited file is refused.';
COMMENT ON COLUMN schema_migrations.applied_at IS 'When it was applied.';

COMMENT ON VIEW denied_calls IS 'Every denial, and why. For a span of time: WHERE execution_id >= gatetrail_id_floor(now() - interval ''7 days'').';
COMMENT ON COLUMN denied_calls.started_at IS 'When it was decided.';
COMMENT ON COLUMN denied_calls.gate IS 'Who denied: scope, scanner, blocklist, rate_limit, hook or audit.';
COMMENT ON COLUMN denied_calls.reason_code IS 'Why, as one word of a closed list.';
COMMENT ON COLUMN denied_calls.user_id IS 'Who asked; NULL for anonymous callers.';
COMMENT ON COLUMN denied_calls.caller_type IS 'What kind of party asked.';
COMMENT ON COLUMN denied_calls.actual_tier IS 'The tier in force.';
COMMENT ON COLUMN denied_calls.required_tier IS 'The tier that the policy demands here.';
COMMENT ON COLUMN denied_calls.server_name IS 'The MCP server.';
COMMENT ON COLUMN denied_calls.tool_name IS 'The tool, prompt or resource, as it was asked for.';
COMMENT ON COLUMN denied_calls.method IS 'The MCP method.';
COMMENT ON COLUMN denied_calls.session_id IS 'The session.';
COMMENT ON COLUMN denied_calls.trace_id IS 'The trace.';
COMMENT ON COLUMN denied_calls.client_id IS 'The program that asked.';
COMMENT ON COLUMN denied_calls.src_ip IS 'Address of the peer.';
COMMENT ON COLUMN denied_calls.retry_after_ms IS 'How long the caller was told to wait; only where the rate was exceeded.';
COMMENT ON COLUMN denied_calls.policy_version IS 'Which policy decided.';
COMMENT ON COLUMN denied_calls.execution_id IS 'For gatetrail why, and for spans of time.';
COMMENT ON COLUMN denied_calls.rate_limit_tier IS 'The tier whose allowance of calls was used.';

COMMENT ON VIEW rate_limited_callers IS 'Who was rate-limited, by hour, in the last fourteen days. For earlier ones count the rows of denied_calls whose gate is rate_limit.';
COMMENT ON COLUMN rate_limited_callers.hour IS 'When it began, in the time zone of the session that asks.';
COMMENT ON COLUMN rate_limited_callers.user_id IS 'Who; NULL for anonymous callers.';
COMMENT ON COLUMN rate_limited_callers.src_ip IS 'From where.';
COMMENT ON COLUMN rate_limited_callers.caller_type IS 'What kind of party.';
COMMENT ON COLUMN rate_limited_callers.rate_limit_tier IS 'The tier whose allowance was used up.';
COMMENT ON COLUMN rate_limited_callers.denials IS 'Calls denied in that hour.';
COMMENT ON COLUMN rate_limited_callers.longest_wait_ms IS 'The longest wait that was told, in milliseconds.';

COMMENT ON VIEW stuck_executions IS 'Calls that have been pending for more than five minutes.';
COMMENT ON COLUMN stuck_executions.execution_id IS 'For gatetrail why.';
COMMENT ON COLUMN stuck_executions.started_at IS 'When it was decided.';
COMMENT ON COLUMN stuck_executions.age IS 'How long ago that was.';
COMMENT ON COLUMN stuck_executions.server_name IS 'The MCP server.';
COMMENT ON COLUMN stuck_executions.tool_name IS 'The tool.';
COMMENT ON COLUMN stuck_executions.user_id IS 'Who asked.';
COMMENT ON COLUMN stuck_executions.session_id IS 'The session.';
COMMENT ON COLUMN stuck_executions.instance_id IS 'The process that runs it, or ran it.';

COMMENT ON VIEW privilege_mismatches IS 'Calls whose tier was below the required one. For a span of time as in denied_calls.';
COMMENT ON COLUMN privilege_mismatches.started_at IS 'When it was decided.';
COMMENT ON COLUMN privilege_mismatches.user_id IS 'Who asked.';
COMMENT ON COLUMN privilege_mismatches.session_id IS 'The session.';
COMMENT ON COLUMN privilege_mismatches.actual_tier IS 'What the caller had.';
COMMENT ON COLUMN privilege_mismatches.required_tier IS 'What the policy demands.';
COMMENT ON COLUMN privilege_mismatches.reason_code IS 'tier_too_low, or session_tier_too_low where the token alone would have done.';
COMMENT ON COLUMN privilege_mismatches.server_name IS 'The MCP server.';
COMMENT ON COLUMN privilege_mismatches.tool_name IS 'The tool.';
COMMENT ON COLUMN privilege_mismatches.execution_id IS 'For gatetrail why, and for spans of time.';

COMMENT ON VIEW scanner_probes IS 'What the scanner stopped in the last fourteen days: tool calls, and requests that never became one.';
COMMENT ON COLUMN scanner_probes.probed_at IS 'When.';
COMMENT ON COLUMN scanner_probes.src_ip IS 'From where.';
COMMENT ON COLUMN scanner_probes.user_id IS 'Who, where that was proven.';
COMMENT ON COLUMN scanner_probes.reason_code IS 'What gave it away: probe_path, scanner_agent or burst.';
COMMENT ON COLUMN scanner_probes.target IS 'The path that was asked for, or server/tool.';
COMMENT ON COLUMN scanner_probes.execution_id IS 'For gatetrail why; NULL for what was no tool call.';

COMMENT ON VIEW identity_refusals IS 'Whoever presented something that proves nothing. The token itself is nowhere.';
COMMENT ON COLUMN identity_refusals.refused_at IS 'When. A span of time: WHERE refused_at >= now() - interval ''7 days''.';
COMMENT ON COLUMN identity_refusals.src_ip IS 'From where.';
COMMENT ON COLUMN identity_refusals.claimed_user_id IS 'The user that the proof names. It was refused, so this may be a lie.';
COMMENT ON COLUMN identity_refusals.auth_method IS 'What kind of proof was presented.';
COMMENT ON COLUMN identity_refusals.reason_code IS 'Why, as one word.';
COMMENT ON COLUMN identity_refusals.reason IS 'Why, as a sentence.';
COMMENT ON COLUMN identity_refusals.endpoint IS 'The path that was asked for.';
COMMENT ON COLUMN identity_refusals.http_user_agent IS 'What the client says that it is.';
COMMENT ON COLUMN identity_refusals.session_id IS 'The session that it came in on.';
COMMENT ON COLUMN identity_refusals.trace_id IS 'The trace.';
COMMENT ON COLUMN identity_refusals.seq IS 'Position in the journal.';

COMMENT ON VIEW policy_changes IS 'Policies that came into force, and files that were refused. Each start of a process says again which one is in force.';
COMMENT ON COLUMN policy_changes.changed_at IS 'When. A span of time: WHERE changed_at >= now() - interval ''7 days''.';
COMMENT ON COLUMN policy_changes.in_force IS 'True: in force from then on. False: the file was refused, and the policy before stays.';
COMMENT ON COLUMN policy_changes.policy_version IS 'The policy in force afterwards, as it stands in each decision.';
COMMENT ON COLUMN policy_changes.previous_policy_version IS 'The one before; NULL at the start of a process.';
COMMENT ON COLUMN policy_changes.policy_source IS 'The file.';
COMMENT ON COLUMN policy_changes.changes IS 'A sentence for each difference, where they are known.';
COMMENT ON COLUMN policy_changes.reason IS 'What was wrong with a refused file.';
COMMENT ON COLUMN policy_changes.instance_id IS 'Which process.';
COMMENT ON COLUMN policy_changes.seq IS 'Position in the journal.';

COMMENT ON VIEW heartbeats IS 'One a minute from each process: the record is alive. Counts begin with the process.';
COMMENT ON COLUMN heartbeats.beat_at IS 'When. A span of time: WHERE beat_at >= now() - interval ''7 days''.';
COMMENT ON COLUMN heartbeats.instance_id IS 'Which process.';
COMMENT ON COLUMN heartbeats.allowed_count IS 'Calls that it had allowed.';
COMMENT ON COLUMN heartbeats.denied_count IS 'Calls that it had denied.';
COMMENT ON COLUMN heartbeats.completed_count IS 'Outcomes that it had recorded.';
COMMENT ON COLUMN heartbeats.exported_count IS 'Events that its sinks had acknowledged.';
COMMENT ON COLUMN heartbeats.seq IS 'Position in the journal.';

COMMENT ON VIEW audit_incidents IS 'What went wrong with the record itself: sinks that failed and came back, events that a reader never got, calls whose process died.';
COMMENT ON COLUMN audit_incidents.happened_at IS 'When. A span of time: WHERE happened_at >= now() - interval ''7 days''.';
COMMENT ON COLUMN audit_incidents.event_name IS 'audit.gap, audit.sink_failed, audit.sink_recovered or execution.orphaned.';
COMMENT ON COLUMN audit_incidents.sink_name IS 'Which sink.';
COMMENT ON COLUMN audit_incidents.reason IS 'Why, as a sentence.';
COMMENT ON COLUMN audit_incidents.cursor_seq IS 'How far the sink had come.';
COMMENT ON COLUMN audit_incidents.quarantined_seq IS 'The event that was put aside; NULL when all of them wait.';
COMMENT ON COLUMN audit_incidents.first_missing_seq IS 'Of a gap: the first event that the reader did not get.';
COMMENT ON COLUMN audit_incidents.last_missing_seq IS 'Of a gap: the last one.';
COMMENT ON COLUMN audit_incidents.execution_id IS 'The call that was left pending.';
COMMENT ON COLUMN audit_incidents.seq IS 'Position in the journal.';

COMMENT ON VIEW trace_steps IS 'Decisions and outcomes with everything that the gates said. Ask with WHERE trace_id = ''...'' ORDER BY seq.';
COMMENT ON COLUMN trace_steps.trace_id IS 'The trace.';
COMMENT ON COLUMN trace_steps.seq IS 'Position in the journal: the order of the steps.';
COMMENT ON COLUMN trace_steps.recorded_at IS 'When it happened.';
COMMENT ON COLUMN trace_steps.event_name IS 'tool_call.decided, tool_call.completed, or what else belongs to the trace.';
COMMENT ON COLUMN trace_steps.execution_id IS 'Joins a decision and its outcome.';
COMMENT ON COLUMN trace_steps.server_name IS 'The MCP server.';
COMMENT ON COLUMN trace_steps.tool_name IS 'The tool, prompt or resource.';
COMMENT ON COLUMN trace_steps.user_id IS 'Who asked.';
COMMENT ON COLUMN trace_steps.session_id IS 'The session.';
COMMENT ON COLUMN trace_steps.client_id IS 'The program that asked.';
COMMENT ON COLUMN trace_steps.decision IS 'allow or deny.';
COMMENT ON COLUMN trace_steps.gate IS 'Who denied; none when it was allowed.';
COMMENT ON COLUMN trace_steps.reason_code IS 'Why, as one word.';
COMMENT ON COLUMN trace_steps.reason IS 'Why, as a sentence with the values that were compared.';
COMMENT ON COLUMN trace_steps.gate_scope IS 'What the scope gate said: pass, deny or skipped.';
COMMENT ON COLUMN trace_steps.gate_scanner IS 'What the scanner said.';
COMMENT ON COLUMN trace_steps.gate_blocklist IS 'What the blocklist said.';
COMMENT ON COLUMN trace_steps.gate_rate_limit IS 'What the rate gate said.';
COMMENT ON COLUMN trace_steps.decision_us IS 'How long the gates took, in microseconds.';
COMMENT ON COLUMN trace_steps.arguments_digest IS 'Equal arguments have an equal digest.';
COMMENT ON COLUMN trace_steps.arguments_preview IS 'The arguments, redacted and cut, where the policy has a preview.';
COMMENT ON COLUMN trace_steps.execution_status IS 'Where the call stood after this step.';
COMMENT ON COLUMN trace_steps.latency_ms IS 'From decision to end, in milliseconds.';
COMMENT ON COLUMN trace_steps.error_class IS 'What went wrong.';

COMMENT ON VIEW record_health IS 'How the record is, in one row.';
COMMENT ON COLUMN record_health.head_seq IS 'The newest position in the journal.';
COMMENT ON COLUMN record_health.last_event_at IS 'When the newest event happened.';
COMMENT ON COLUMN record_health.last_heartbeat_at IS 'When any process said last that it is alive. More than two minutes ago: nobody records.';
COMMENT ON COLUMN record_health.pending IS 'Calls without an outcome yet.';
COMMENT ON COLUMN record_health.oldest_pending_at IS 'When the oldest of them was decided.';
COMMENT ON COLUMN record_health.stuck IS 'How many of them are older than five minutes.';
COMMENT ON COLUMN record_health.sinks IS 'Sinks ever seen.';
COMMENT ON COLUMN record_health.failing_sinks IS 'How many of them take nothing now.';
COMMENT ON COLUMN record_health.most_events_behind IS 'How many events the last of them has still to get.';
COMMENT ON COLUMN record_health.quarantined IS 'Events that some sink did not take and has not got since.';
COMMENT ON COLUMN record_health.verified_at IS 'When gatetrail verify came to an end last; NULL: never.';
COMMENT ON COLUMN record_health.verified_intact IS 'What it found. A reminder, not evidence.';
COMMENT ON COLUMN record_health.verified_head_seq IS 'How far that check went.';

COMMENT ON FUNCTION gatetrail_id_floor IS 'The smallest UUIDv7 of a moment: execution_id >= gatetrail_id_floor(t) means decided at or after t, and is quick.';

DO $$
BEGIN
    GRANT SELECT ON rate_limited_callers, scanner_probes, identity_refusals, policy_changes, heartbeats, audit_incidents,
        trace_steps, record_health TO gatetrail_auditor;
EXCEPTION
    WHEN undefined_object OR insufficient_privilege THEN
        RAISE NOTICE 'role gatetrail_auditor may not read the views: an administrator can grant it later';
END
$$;
