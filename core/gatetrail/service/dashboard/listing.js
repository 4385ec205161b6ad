/**
 * What the list shows: the newest rows, so many at most.
 *
 * Between two looks more may come than anybody can read. Then a sample goes into the list, denials and troubles
 * first, and the others are only counted. While the list is held nothing moves in it, and the newest wait.
 */

import { outcomeOf, rowOf } from "./row.js";

export const ROWS = 100;
/** So many new rows at one look. */
export const SAMPLE = 12;
const WAITING = 400;

export class Listing {
  constructor() {
    this.clear();
  }

  clear() {
    this.rows = [];
    this.heldBack = 0;
    this.unlisted = 0;
    this._waiting = [];
    this._missed = 0;
    this._byExecution = new Map();
  }

  /** Begin with these events, oldest first. */
  begin(events) {
    this.clear();
    this._put(events.map(rowOf).reverse());
  }

  /** One event of the stream that fits the filter. */
  offer(event) {
    const row = rowOf(event);
    this._waiting.push(row);
    if (isDecision(row)) this._byExecution.set(row.executionId, row);
    this.heldBack += 1;
    if (this._waiting.length > WAITING) this._shed();
  }

  /** The outcome of a decision, which changes its row if there is one. */
  finish(event) {
    const row = this._byExecution.get(event.execution_id);
    if (row !== undefined && !(row.outcome && event.execution_status === "pending")) row.outcome = outcomeOf(event);
  }

  /** Take in what waits; true when the list has changed. */
  look() {
    if (!this._waiting.length) return false;
    const chosen = sampled(this._waiting, SAMPLE);
    this.unlisted += this._waiting.length + this._missed - chosen.length;
    this._waiting = [];
    this._missed = 0;
    this.heldBack = 0;
    this._put([...chosen.reverse(), ...this.rows]);
    return true;
  }

  _put(rows) {
    this.rows = rows.slice(0, ROWS);
    this._index();
  }

  _index() {
    const decisions = [...this.rows, ...this._waiting].filter(isDecision);
    this._byExecution = new Map(decisions.map((row) => [row.executionId, row]));
  }

  _shed() {
    const kept = sampled(this._waiting, WAITING / 2);
    this._missed += this._waiting.length - kept.length;
    this._waiting = kept;
    this._index();
  }
}

function isDecision(row) {
  return row.event.event_name === "tool_call.decided";
}

/** So many of the rows, in their order: whatever is no plain allowance goes first, then the newest. */
export function sampled(rows, most) {
  if (rows.length <= most) return [...rows];
  const marked = rows.map((row, at) => ({ at, weight: row.verdict === "allow" ? 0 : 1 }));
  marked.sort((one, other) => other.weight - one.weight || other.at - one.at);
  const places = new Set(marked.slice(0, most).map((mark) => mark.at));
  return rows.filter((_row, at) => places.has(at));
}
