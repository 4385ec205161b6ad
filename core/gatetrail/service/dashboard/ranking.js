/** The busiest of something: what the service has ranked, counted on until its next account. */

/** As many as the service names. */
const MOST = 10;

export class Ranking {
  /** `keyOf` gives what tells two rows apart; it is asked of events as well. */
  constructor(rows, keyOf) {
    this._keyOf = keyOf;
    this._rows = new Map(rows.map((row) => [keyOf(row), { ...row }]));
    // Where the service named fewer than it may, these are all, and whoever comes new has not been there before.
    this._isWhole = rows.length < MOST;
  }

  /** Best first. */
  get rows() {
    const weight = (row) => row.count ?? row.denials;
    return [...this._rows.values()].sort((one, other) => weight(other) - weight(one)).slice(0, MOST);
  }

  add(event, denied) {
    const row = this._row(event, { count: 0, denied: 0 });
    if (row === null) return;
    row.count += 1;
    if (denied) row.denied += 1;
  }

  limit(event) {
    const row = this._row(event, { denials: 0, longest_wait_ms: 0, last_at: null });
    if (row === null) return;
    row.denials += 1;
    row.longest_wait_ms = Math.max(row.longest_wait_ms ?? 0, event.retry_after_ms ?? 0);
    row.last_at = event["@timestamp"];
  }

  _row(event, empty) {
    const key = this._keyOf(event);
    const known = this._rows.get(key);
    if (known !== undefined) return known;
    if (!this._isWhole || this._rows.size >= 5 * MOST) return null;
    const { server_name, tool_name, user_id, caller_type, rate_limit_tier } = event;
    const row = { server_name, tool_name, user_id, caller_type, rate_limit_tier, ...empty };
    this._rows.set(key, row);
    return row;
  }
}
