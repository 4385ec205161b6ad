/** The panels beside the list: the record, the sinks, calls in flight, and who is busiest. */

import { element, mark, part, write } from "./dom.js";
import { age, count, day, duration, many, minute, NOTHING, plain, sentence } from "./format.js";

/** Nobody could read the names of calls that end sooner. */
const A_WHILE_MS = 1_000;
/** So many rows have room, so that what is below does not move with every call; more make room that stays. */
const ROOM = 2;
let mostInFlight = 0;
const HEALTH = { healthy: "good", behind: "fair", failing: "bad", stuck: "bad", unowned: "bad" };

/** Journal head, the last verification, the policy in force. */
export function showRecord(counts) {
  const { stats } = counts;
  write(part("record-head"), count(counts.headSeq));
  write(part("record-policy"), plain(counts.policyVersion ?? "unknown"));
  write(part("record-instance"), plain(stats.instance_id ?? "unknown"));
  const found = stats.verification;
  const state = found === null ? "fair" : found.intact ? "good" : "bad";
  mark(part("record-verified"), "data-health", state);
  write(part("record-verified"), found === null ? "Never verified" : found.intact ? "Intact" : "Not intact");
  write(part("record-detail"), verificationText(found));
}

/** The sinks. */
export function showSinks(sinks) {
  part("sinks-problem").hidden = true;
  part("sinks-empty").hidden = sinks.length > 0;
  part("sinks-rows").replaceChildren(
    ...sinks.map((sink) => element(
      "tr", {},
      element("th", { scope: "row" }, plain(sink.sink_name)),
      element("td", {}, health(sink)),
      element("td", { class: "figure" }, count(sink.lag ?? NaN)),
      element("td", { class: "figure" }, count(sink.quarantined_count ?? 0)),
    )),
  );
}

/** Why the sinks are not shown as they are now. */
export function failSinks(detail) {
  write(part("sinks-problem"), sentence(detail));
  part("sinks-problem").hidden = false;
}

/** Show nothing of anybody. */
export function clear() {
  for (const name of ["sinks", "flight", "tools", "callers", "limited"]) {
    const body = part(`${name}-rows`);
    body.replaceChildren();
    delete body.dataset.keys;
  }
  mostInFlight = 0;
  part("sinks-problem").hidden = true;
  mark(part("record-verified"), "data-health", null);
  write(part("record-verified"), NOTHING);
  write(part("record-head"), NOTHING);
  for (const name of ["detail", "policy", "instance"]) write(part(`record-${name}`), "");
}

function health(sink) {
  const attributes = { class: "state", "data-health": HEALTH[sink.health] ?? "fair", title: plain(sink.last_error ?? "") };
  return element("span", attributes, plain(sink.health));
}

/** Calls that have been in flight for a while, oldest first; the button of each opens its decision. */
export function showFlight(flight, nowMs, open) {
  const calls = flight.calls.filter((call) => nowMs - Date.parse(call.started_at) > A_WHILE_MS).slice(0, 4);
  part("flight-empty").hidden = calls.length > 0;
  mostInFlight = Math.max(mostInFlight, calls.length, ROOM);
  part("flight-room").style.minHeight = `${1.6 + 1.85 * mostInFlight}rem`;
  renew(part("flight-rows"), calls, (call) => call.execution_id, (call) => element(
    "tr", {},
    element("th", { scope: "row" }, element(
      "button", { type: "button", class: "subject", "aria-haspopup": "dialog", click: () => open(call.execution_id) },
      ...toolName(call),
    )),
    element("td", { class: "clip" }, plain(call.user_id ?? "anonymous")),
    element("td", { class: "figure" }, ""),
  ));
  [...part("flight-rows").children].forEach((row, at) => {
    const call = calls[at];
    write(row.lastChild, `${age((nowMs - Date.parse(call.started_at)) / 1000)}${call.stuck ? ", stuck" : ""}`);
    mark(row, "data-stuck", call.stuck ? "yes" : null);
  });
}

export function showTools(ranking) {
  bars("tools", ranking.rows, toolName);
}

export function showCallers(ranking) {
  bars("callers", ranking.rows, (row) => callerName(row.user_id, row.caller_type));
}

export function showLimited(ranking) {
  const { rows } = ranking;
  part("limited-empty").hidden = rows.length > 0;
  part("limited-rows").replaceChildren(
    ...rows.slice(0, 6).map((row) => element(
      "tr", {},
      element("th", { scope: "row", class: "clip" }, ...callerName(row.user_id, row.rate_limit_tier)),
      element("td", { class: "figure" }, count(row.denials)),
      element("td", { class: "figure" }, duration(row.longest_wait_ms ?? NaN)),
      element("td", { class: "figure" }, row.last_at ? minute(row.last_at) : ""),
    )),
  );
}

/** Each with a bar: how many, and which part of them was denied. */
function bars(name, rows, named) {
  const shown = rows.slice(0, 8);
  const most = Math.max(...shown.map((row) => row.count), 1);
  part(`${name}-empty`).hidden = shown.length > 0;
  const keyOf = (row) => textOf(named(row));
  renew(part(`${name}-rows`), shown, keyOf, (row) => element(
    "tr", {}, element("th", { scope: "row", class: "clip", title: keyOf(row) }, ...named(row)),
    element("td", { class: "bar", "aria-hidden": "true" }, element("i"), element("i", { class: "denied" })),
    element("td", { class: "figure" }, ""), element("td", { class: "figure denied" }, ""),
  ));
  [...part(`${name}-rows`).children].forEach((line, at) => {
    const row = shown[at];
    const [, bar, all, denied] = line.children;
    bar.firstChild.style.width = `${(100 * (row.count - row.denied)) / most}%`;
    bar.lastChild.style.width = `${(100 * row.denied) / most}%`;
    write(all, count(row.count));
    write(denied, row.denied ? count(row.denied) : "");
  });
}

/** The part that tells more comes first: what does not fit is cut off at the end. */
function toolName(row) {
  return [plain(row.tool_name), " ", element("span", { class: "quiet" }, plain(row.server_name))];
}

function callerName(userId, tier) {
  if (userId === null || userId === undefined) return ["anonymous"];
  return [plain(userId), " ", element("span", { class: "quiet" }, plain(tier))];
}

function textOf(parts) {
  return parts.map((one) => one.textContent ?? one).join("");
}

/** New rows only where the keys are others: what is pointed at or focused stays. */
function renew(body, items, keyOf, made) {
  const keys = items.map(keyOf).join("\n");
  if (body.dataset.keys === keys) return;
  body.dataset.keys = keys;
  body.replaceChildren(...items.map(made));
}

function verificationText(found) {
  if (found === null) return "Run gatetrail verify to have every hash recomputed.";
  const extent = `${many(found.events, "event")} up to ${count(found.head_seq)}`;
  const what = found.intact ? extent : plain(found.detail ?? "");
  return `${day(found.checked_at)}: ${what}`;
}
