/**
 * The same question in the words of others: our command line, Splunk, Elastic.
 *
 * The field names are those of the event's one flat JSON shape, which every sink carries. A question is a set of
 * `{field, value}` that must all hold; a value may be a glob where `glob` says so.
 */

import { byNumber, hasUnseen, UNSEEN } from "./format.js";

const DURATION = /^(?:\d{1,9}[smhdw])+$/;
const FIELDS = {
  user: "user_id",
  session: "session_id",
  trace: "trace_id",
  client: "client_id",
  server: "server_name",
  tool: "tool_name",
  gate: "gate",
  decision: "decision",
  event: "event_name",
};
const GLOBS = new Set(["tool", "event"]);
const PRODUCT = { field: "vendor_product", value: "Gatetrail", glob: false };
const UNITS_S = { s: 1, m: 60, h: 3600, d: 86400, w: 604800 };

/** One event or decision by its key. */
export function byKey(field, value) {
  return { terms: [PRODUCT, { field, value, glob: false }], since: null, until: null };
}

/** All that a filter wants. */
export function byWords(words) {
  const terms = Object.entries(FIELDS)
    .filter(([word]) => words[word] && words[word] !== "*")
    .map(([word, field]) => term(word, field, words[word]));
  return { terms: [PRODUCT, ...terms], since: words.since || null, until: words.until || null };
}

function term(word, field, value) {
  return { field, value, glob: GLOBS.has(word) && /[*?]/.test(value), tool: word === "tool" };
}

/** `gatetrail why ID` */
export function whyCommand(decisionId) {
  return `gatetrail why ${quoted(decisionId)}`;
}

/** `gatetrail events …` with the filter's words. */
export function eventsCommand(words) {
  const given = Object.entries(words).filter(([word, value]) => value && !(word === "event" && value === "*"));
  return ["gatetrail events", ...given.map(([word, value]) => option(word, value))].join(" ");
}

/** Splunk's search language. Globs and values that it would take for globs go to `where`, which compares exactly. */
export function splunk(question) {
  const literal = question.terms.filter((term) => !term.glob && !/[*]/.test(term.value));
  const others = question.terms.filter((term) => !literal.includes(term));
  const search = ["index=*", ...literal.map((term) => `${term.field}=${splText(term.value)}`)];
  if (question.since) search.push(`earliest=${splTime(question.since)}`);
  if (question.until) search.push(`latest=${splTime(question.until)}`);
  const where = others.map((term) => `| where ${term.glob ? splMatch(term) : `${term.field}=${splText(term.value)}`}`);
  return [search.join(" "), ...where, "| sort 0 seq"].join(" ");
}

/** Kibana's query language; null where it has no word for what is asked (`?` in a glob). */
export function kql(question) {
  if (question.terms.some((term) => term.glob && term.value.includes("?"))) return null;
  const value = (term) => (term.glob ? kqlGlob(term.value) : kqlText(term.value));
  const terms = question.terms.map((term) => `${term.field} : ${value(term)}`);
  if (question.since) terms.push(`@timestamp >= ${kqlText(dateMath(question.since))}`);
  if (question.until) terms.push(`@timestamp < ${kqlText(dateMath(question.until))}`);
  return terms.join(" and ");
}

/** Elastic's piped language. */
export function esql(question) {
  const terms = question.terms.map((term) => (term.glob ? esqlLike(term) : `${term.field} == ${esqlText(term.value)}`));
  if (question.since) terms.push(`@timestamp >= ${esqlTime(question.since)}`);
  if (question.until) terms.push(`@timestamp < ${esqlTime(question.until)}`);
  return `FROM logs-* | WHERE ${terms.join(" AND ")} | SORT seq | LIMIT 1000`;
}

/** What begins with a dash would be taken for an option, if it stood alone. */
function option(word, value) {
  return `--${word}${value.startsWith("-") ? "=" : " "}${quoted(value)}`;
}

/**
 * For a POSIX shell. What one would not see is written by its number, as bash, zsh and ksh read it: a terminal takes some
 * control characters for keys when they are pasted, whatever quotes are around them.
 */
function quoted(value) {
  if (hasUnseen(value)) return `$'${value.replace(/[\\']/g, "\\$&").replace(UNSEEN, byNumber)}'`;
  return /^[\w@%+=:,./-]+$/.test(value) ? value : `'${value.replaceAll("'", `'"'"'`)}'`;
}

function splText(value) {
  return `"${value.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

function splMatch(term) {
  const pattern = `^${globPattern(term.value)}$`;
  return `match(${term.field}, ${splText(term.tool ? `(?i)${pattern}` : pattern)})`;
}

function globPattern(glob) {
  return glob.replace(/[\\^$.|+()[\]{}]/g, "\\$&").replaceAll("*", ".*").replaceAll("?", ".");
}

function splTime(text) {
  return isDuration(text) ? `-${seconds(text)}s` : String(Date.parse(text) / 1000);
}

function kqlText(value) {
  return `"${value.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

function kqlGlob(glob) {
  return glob.replace(/[\\():<>"{}]/g, "\\$&").replaceAll(" ", "\\ ");
}

function dateMath(text) {
  return isDuration(text) ? `now-${seconds(text)}s` : text;
}

function esqlText(value) {
  const escaped = value.replaceAll("\\", "\\\\").replaceAll('"', '\\"');
  return `"${escaped.replaceAll("\n", "\\n").replaceAll("\r", "\\r").replaceAll("\t", "\\t")}"`;
}

function esqlLike(term) {
  const glob = term.value.replaceAll("\\", "\\\\");
  if (term.tool) return `TO_LOWER(${term.field}) LIKE ${esqlText(glob.toLowerCase())}`;
  return `${term.field} LIKE ${esqlText(glob)}`;
}

function esqlTime(text) {
  return isDuration(text) ? `NOW() - ${seconds(text)} seconds` : esqlText(text);
}

function isDuration(text) {
  return DURATION.test(text);
}

function seconds(text) {
  const parts = [...text.matchAll(/(\d+)([smhdw])/g)];
  return parts.reduce((sum, [, number, unit]) => sum + Number(number) * UNITS_S[unit], 0);
}
