/** One event as a row of the list: what happened, to what, by whom, why, and what became of it. */

import { GATE_NAMES } from "./words.js";
import { duration, plain } from "./format.js";

/**
 * `verdict` is one of allow, deny, trouble, note and gap, and decides how the row looks; `gate` is one of the known
 * gates or null. Everything else is text from outside, to be set as text.
 */
export function rowOf(event) {
  const row = {
    key: event.seq ?? `gap ${event.first_missing_seq}`,
    seq: event.seq ?? event.last_missing_seq ?? 0,
    moment: event["@timestamp"],
    executionId: event.execution_id ?? null,
    gate: Object.hasOwn(GATE_NAMES, event.gate ?? "") ? event.gate : null,
    caller: plain(event.user_id ?? event.claimed_user_id ?? ""),
    tier: event.user_id ? plain(event.actual_tier ?? event.session_tier ?? "") : "",
    event,
    ...told(event),
  };
  row.outcome = outcomeOf(event);
  return row;
}

/** In words: why it was denied or refused, or how it ended. */
export function ending(row) {
  if (row.verdict === "deny" || row.title === "Refused") return row.explained || row.reason;
  return [outcomeText(row.outcome), row.reason].filter(Boolean).join(", ");
}

/** How an execution ended, or null while nobody knows. */
export function outcomeOf(event) {
  const status = event.execution_status ?? event.status;
  if (!status) return null;
  return { status, latencyMs: event.latency_ms ?? null, errorClass: event.error_class ?? null };
}

/** success 12.3 ms */
export function outcomeText(outcome) {
  if (outcome === null) return "";
  if (outcome.status === "denied") return "not run";
  if (outcome.status === "pending") return "running";
  const after = outcome.latencyMs === null ? "" : ` ${duration(outcome.latencyMs)}`;
  return `${outcome.status}${after}`;
}

function told(event) {
  switch (event.event_name) {
    case "tool_call.decided":
      return {
        verdict: event.decision === "deny" ? "deny" : "allow",
        title: event.decision === "deny" ? "Denied" : "Allowed",
        subject: plain(`${event.server_name}/${event.tool_name}`),
        reason: plain(event.decision === "deny" ? event.reason_code : ""),
        explained: plain(event.reason),
        caller: plain(event.user_id ?? "anonymous"),
      };
    case "audit.gap":
      return {
        verdict: "gap", title: "Gap", subject: gapText(event), reason: plain(event.reason),
        explained: plain(event.message),
      };
    case "scanner.detected":
      return {
        verdict: "deny", title: "Probe", subject: plain(event.endpoint ?? event.http_user_agent ?? ""),
        reason: plain(event.reason_code), explained: plain(event.reason), caller: plain(event.src_ip ?? ""),
      };
    case "identity.refused":
      return {
        verdict: "trouble", title: "Refused", subject: plain(event.endpoint ?? ""), reason: plain(event.reason_code),
        explained: plain(event.reason),
      };
    case "tool_call.completed":
      return {
        verdict: "note", title: "Completed", subject: subjectOf(event), reason: plain(event.error_class ?? ""),
        explained: plain(event.message),
      };
    default:
      return {
        verdict: event.severity_id >= 3 ? "trouble" : "note", title: plain(event.event_name),
        subject: subjectOf(event), reason: plain(event.reason ?? ""), explained: plain(event.message),
      };
  }
}

function subjectOf(event) {
  if (event.tool_name) return plain(event.server_name ? `${event.server_name}/${event.tool_name}` : event.tool_name);
  return plain(event.message);
}

function gapText(event) {
  return `Events ${event.first_missing_seq} to ${event.last_missing_seq} are not listed here`;
}
