/**
 * The figures: what the service has counted, and every event that is not in its account, counted here one by one.
 *
 * An account holds the decisions up to its `head_seq` that were made before its `until`, with their outcomes up to
 * `head_seq`. `rebase` takes a new one. What has come by the stream since it was asked for is kept until then, so that
 * nothing is counted twice or not at all, whichever of the two is first.
 */

import { Buckets } from "./buckets.js";
import { Flight } from "./flight.js";
import { Ranking } from "./ranking.js";

const LONGEST_ACCOUNT = 50_000;

export class Counts {
  constructor() {
    this.stats = null;
    this.headSeq = 0;
    /** How far the service's clock is ahead of the reader's, as far as that is certain. */
    this.aheadMs = 0;
    this._seq = 0;
    this._kept = null;
    this._askedAt = 0;
    this._beyond = new Set();
  }

  get isThere() {
    return this.stats !== null;
  }

  /** To be called before a new account is asked for. */
  expect() {
    this._askedAt = Date.now();
    this._kept = [];
  }

  /** Take the account; false when more has come meanwhile than is kept, and another one has to be asked for. */
  rebase(stats) {
    const kept = this._kept;
    this._kept = null;
    if (kept === null) return false;
    this.stats = stats;
    this.aheadMs = ahead(Date.parse(stats.until), this._askedAt, Date.now());
    this.totals = { ...stats.totals };
    this.denials = { ...stats.denials_by_gate };
    this.buckets = new Buckets(stats);
    this.tools = new Ranking(stats.busiest_tools, (row) => `${row.server_name}\n${row.tool_name}`);
    this.callers = new Ranking(stats.busiest_callers, (row) => `${row.user_id ?? ""}\n${row.caller_type}`);
    this.limited = new Ranking(stats.rate_limited_callers, (row) => `${row.user_id ?? ""}\n${row.rate_limit_tier}`);
    this.flight = new Flight(stats.pending);
    this.policyVersion = stats.policy_version;
    this._seq = 0;
    this._beyond.clear();
    this.headSeq = Math.max(this.headSeq, stats.head_seq);
    for (const event of kept) this._count(event);
    return true;
  }

  /** Count one event of the stream. */
  add(event) {
    if (this._kept !== null && this._kept.push(event) > LONGEST_ACCOUNT) this._kept = null;
    if (this.isThere) this._count(event);
  }

  /** The journal has come so far, whether or not its events are shown to this reader. */
  reach(seq) {
    this.headSeq = Math.max(this.headSeq, seq);
  }

  /** The journal is another one, or was set back. */
  forget() {
    this.headSeq = 0;
    this._seq = 0;
    this.stats = null;
  }

  _count(event) {
    if (!(event.seq > this._seq)) return;
    this._seq = event.seq;
    this.reach(event.seq);
    if (event.seq <= this.stats.head_seq && !this._isMissing(event)) return;
    switch (event.event_name) {
      case "tool_call.decided":
        this._decided(event);
        break;
      case "tool_call.completed":
      case "execution.orphaned":
        this._ended(event);
        break;
      case "policy.changed":
        this.policyVersion = event.policy_version;
        break;
      default:
    }
  }

  /** Before the account's head and not in it: decided too late for its span of time, or the outcome of such a call. */
  _isMissing(event) {
    if (event.event_name !== "tool_call.decided") return this._beyond.has(event.execution_id);
    if (event["@timestamp"] < this.stats.until) return false;
    this._beyond.add(event.execution_id);
    return true;
  }

  _decided(event) {
    const denied = event.decision === "deny";
    raise(this.totals, denied ? "deny" : "allow");
    this.buckets.add(event);
    this.tools.add(event, denied);
    this.callers.add(event, denied);
    if (!denied) {
      raise(this.totals, "pending");
      this.flight.begin(event);
      return;
    }
    raise(this.denials, event.gate);
    if (event.gate === "rate_limit") this.limited.limit(event);
  }

  _ended(event) {
    this.totals.pending = Math.max(0, (this.totals.pending ?? 0) - 1);
    raise(this.totals, event.execution_status);
    this.flight.end(event);
  }
}

/** The account was made between these two moments, unless the clocks differ. */
function ahead(madeAt, askedAt, takenAt) {
  return madeAt > takenAt ? madeAt - takenAt : Math.min(0, madeAt - askedAt) || 0;
}

function raise(figures, key) {
  figures[key] = (figures[key] ?? 0) + 1;
}
