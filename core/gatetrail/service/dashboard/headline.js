/** The figures at the top. */

import { part, mark, write } from "./dom.js";
import { clock, count, duration, NOTHING, share } from "./format.js";

export function showHeadline(counts, perSecond) {
  const { totals, stats } = counts;
  const decided = (totals.allow ?? 0) + (totals.deny ?? 0);
  write(part("figure-allow"), count(totals.allow ?? 0));
  write(part("figure-deny"), count(totals.deny ?? 0));
  write(part("note-deny"), `${share(totals.deny ?? 0, decided)} of ${count(decided)}`);
  const pace = perSecond >= 10 ? count(Math.round(perSecond)) : perSecond.toFixed(1);
  write(part("note-allow"), `${pace} decisions a second now`);
  // The list knows calls that began before the span of the figures.
  const { calls } = counts.flight;
  write(part("figure-pending"), count(Math.max(totals.pending ?? 0, calls.length)));
  const stuck = calls.filter((call) => call.stuck).length;
  write(part("note-pending"), stuck ? `${stuck} stuck` : "none stuck");
  mark(part("tile-pending"), "data-alert", stuck ? "yes" : null);
  const bad = (totals.failed ?? 0) + (totals.timeout ?? 0);
  write(part("figure-failed"), count(bad));
  write(part("note-failed"), `${count(totals.failed ?? 0)} failed, ${count(totals.timeout ?? 0)} timed out`);
  const { p50, p95, p99 } = stats.latency_ms ?? {};
  write(part("figure-latency"), number(p95));
  write(part("note-latency"), `p50 ${number(p50)}, p99 ${number(p99)}`);
  write(part("since"), `since ${clock(stats.since)}`);
}

/** Know nothing. */
export function clearHeadline() {
  for (const name of ["allow", "deny", "pending", "failed", "latency"]) {
    write(part(`figure-${name}`), NOTHING);
    write(part(`note-${name}`), "");
  }
  mark(part("tile-pending"), "data-alert", null);
  write(part("since"), "");
}

function number(milliseconds) {
  return milliseconds === null || milliseconds === undefined ? NOTHING : duration(milliseconds);
}
