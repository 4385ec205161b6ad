/** One decision put into words, and one event that is no decision. */

import { copyButton, copyLine } from "./copying.js";
import { element } from "./dom.js";
import { count, day, duration, fineClock, plain } from "./format.js";
import { byKey, esql, eventsCommand, kql, splunk, whyCommand } from "./queries.js";
import { outcomeText, rowOf } from "./row.js";
import { GATE_NAMES } from "./words.js";

const FOUR = ["scope", "scanner", "blocklist", "rate_limit"];
const SAID = { pass: "passed", deny: "denied", skipped: "not asked" };

/** Everything about a decision. `open(id)` leads to another decision of its trace. */
export function decisionParts(why, open) {
  const [decided] = why.events;
  return [
    verdict(why),
    section("Gates, in their order", gateTrack(why), gateNote(why)),
    section("Tier", tiers(why)),
    section("Call", facts(callFacts(why, decided))),
    section("Outcome", facts(outcomeFacts(why))),
    section("Find it elsewhere", ...decisionCopies(why)),
    section("The trace of the same call", traceTable(why, open)),
    raw(why.events),
  ];
}

/** Everything about an event that is no decision. */
export function eventParts(event) {
  const row = rowOf(event);
  const question = byKey("event_id", event.event_id);
  const elsewhere = () => copies(question, cliOf(event), ["Event id", event.event_id]);
  const own = event.seq === undefined ? [] : [section("Find it elsewhere", ...elsewhere())];
  return [
    element("p", { class: "sentence", "data-verdict": row.verdict }, plain(event.message)),
    section("What the record says", facts(Object.entries(event).map(([name, value]) => [name, valueText(value)]))),
    ...own,
    raw([event]),
  ];
}

/** The policy in force, as the service has read it. */
export function policyParts(policy) {
  const text = JSON.stringify(policy.document, null, 2);
  return [
    section("Where it comes from", facts([["Source", plain(policy.source)], ["Version", plain(policy.version)]])),
    section("What it says", element("div", {}, copyButton("the policy", () => text)), code(text)),
  ];
}

/** The same question for the command line and for two products, each with a button. */
export function copies(question, command, identifier = null) {
  const kibana = kql(question);
  return [
    identifier && copyLine(...identifier),
    copyLine("CLI", command),
    copyLine("Splunk", splunk(question)),
    kibana && copyLine("Elastic KQL", kibana),
    copyLine("Elastic ES|QL", esql(question)),
  ].filter(Boolean);
}

function verdict(why) {
  const denied = why.decision === "deny";
  const remedy = why.would_have_passed;
  const title = denied ? `Denied by ${GATE_NAMES[why.gate] ?? plain(why.gate)}` : "Allowed";
  return element(
    "div", { class: "verdict-box", "data-verdict": why.decision },
    element("p", { class: "title" }, title),
    element("p", {}, plain(why.reason)),
    remedy && element("p", { class: "remedy" }, element("b", {}, "Would have passed: "), plain(remedy)),
  );
}

function gateTrack(why) {
  return element("ol", { class: "track" }, ...FOUR.map((gate) => element(
    "li", { "data-outcome": why.gates[gate] },
    element("span", { class: "gate-name" }, GATE_NAMES[gate]),
    element("span", { class: "gate-outcome" }, SAID[why.gates[gate]] ?? plain(why.gates[gate])),
  )));
}

function gateNote(why) {
  const isOfFour = FOUR.includes(why.gate) || why.gate === "none";
  const further = isOfFour ? "" : ` Then ${GATE_NAMES[why.gate] ?? plain(why.gate)} denied.`;
  return element("p", { class: "quiet" }, `Decided in ${count(why.decision_us)} µs, all gates together.${further}`);
}

function tiers(why) {
  const badge = (name, tier) => element(
    "div", {}, element("span", { class: "name" }, name), element("b", {}, plain(tier ?? "unknown")),
  );
  const short = why.reason_code === "tier_too_low" || why.reason_code === "session_tier_too_low";
  const attributes = { class: "tiers", "data-short": short ? "yes" : null };
  return element("div", attributes, badge("Required", why.required_tier), badge("Actual", why.actual_tier));
}

function callFacts(why, decided) {
  return [
    ["Tool", plain(`${decided.server_name}/${decided.tool_name}`)],
    ["Caller", plain(`${decided.user_id ?? "anonymous"} (${decided.caller_type}, ${decided.auth_method})`)],
    ["Department", plain(decided.department ?? "")],
    ["Session", plain(decided.session_id ?? "")],
    ["Client", plain(decided.client_id ?? "")],
    ["From", plain([decided.src_ip, decided.http_user_agent].filter(Boolean).join(", "))],
    ["Arguments", why.arguments_preview ? plain(why.arguments_preview) : "only their digest is recorded"],
    ["Matched rule", plain(why.rule_id ?? "")],
    ["Retry after", why.retry_after_ms === null ? "" : duration(why.retry_after_ms)],
    ["Policy version", plain(why.policy_version)],
    ["In shadow", plain(shadowText(why.shadow))],
    ["Reason code", plain(why.reason_code)],
    ["Decided at", `${day(decided["@timestamp"])} (${decided["@timestamp"]})`],
    ["Position", `seq ${why.events.map((event) => count(event.seq)).join(" and ")}`],
  ];
}

/** What would have been said had what is only tried been in force; empty when it would have been the same. */
function shadowText(shadow) {
  if (!shadow) return "";
  const what = shadow.policy_version ? `policy ${shadow.policy_version}` : "what is marked shadow in the policy";
  if (shadow.gate === "none") return `${what} would have allowed it`;
  return `${what} would have denied it by ${GATE_NAMES[shadow.gate] ?? shadow.gate}: ${shadow.reason}`;
}

function outcomeFacts(why) {
  if (why.decision === "deny") return [["Handler", "did not run"]];
  return [
    ["Status", plain(why.execution_status)],
    ["Latency", why.latency_ms === null ? "" : duration(why.latency_ms)],
    ["Error class", plain(why.error_class ?? "")],
  ];
}

function decisionCopies(why) {
  const question = byKey("execution_id", why.decision_id);
  return copies(question, whyCommand(why.decision_id), ["Decision id", why.decision_id]);
}

function traceTable(why, open) {
  const events = why.trace ?? [];
  if (!events.length) return element("p", { class: "quiet" }, "Nothing else was recorded in this trace.");
  const headings = ["Time", "Event", "What", "Outcome"].map((name) => element("th", { scope: "col" }, name));
  return element(
    "div", { class: "wide", tabindex: 0, role: "region", "aria-label": "Events of the trace" },
    element("table", {},
      element("thead", {}, element("tr", {}, ...headings)),
      element("tbody", {}, ...events.map((event) => traceRow(event, why, open)))),
  );
}

function traceRow(event, why, open) {
  const row = rowOf(event);
  const other = row.executionId !== null && row.executionId !== why.decision_id;
  const text = row.subject || plain(event.message);
  const attributes = { type: "button", class: "subject", click: () => open(row.executionId) };
  const what = other ? element("button", attributes, text) : text;
  return element(
    "tr", { "aria-current": row.executionId === why.decision_id ? "true" : null },
    element("td", {}, element("time", { datetime: row.moment, title: row.moment }, fineClock(row.moment))),
    element("td", {}, plain(event.event_name)),
    element("td", {}, what),
    element("td", {}, outcomeText(row.outcome)),
  );
}

function cliOf(event) {
  const words = event.trace_id ? { trace: event.trace_id } : { event: event.event_name, since: event["@timestamp"] };
  return eventsCommand(words);
}

function section(title, ...parts) {
  return element("section", {}, element("h3", {}, title), ...parts);
}

function facts(pairs) {
  const known = pairs.filter(([, value]) => value !== "" && value !== null);
  return element("dl", {}, ...known.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]));
}

function raw(events) {
  const text = events.map((event) => JSON.stringify(event, null, 2)).join("\n");
  const summary = element("summary", {}, "As recorded, in JSON");
  return element("details", {}, summary, copyButton("JSON", () => text), code(text));
}

function code(text) {
  return element("pre", { tabindex: 0 }, plainLines(text));
}

function plainLines(text) {
  return text.split("\n").map(plain).join("\n");
}

function valueText(value) {
  return plain(typeof value === "object" ? JSON.stringify(value) : value);
}
