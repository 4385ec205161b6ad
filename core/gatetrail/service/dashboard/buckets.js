/** Decisions over time: equal stretches, each with what was allowed and what each gate denied. */

export class Buckets {
  constructor(stats) {
    this.lengthMs = stats.bucket_s * 1000;
    this.rows = stats.series.map((row) => ({ start: Date.parse(row.start), allow: row.allow, deny: { ...row.deny } }));
    this._most = Math.max(this.rows.length, 1);
  }

  add(event) {
    const row = this._rowAt(Date.parse(event["@timestamp"]));
    if (row === null) return;
    if (event.decision === "allow") row.allow += 1;
    else row.deny[event.gate] = (row.deny[event.gate] ?? 0) + 1;
  }

  /** Let the time go on to this moment: new stretches come in, old ones go out. */
  reach(moment) {
    if (!this.rows.length || !(this.lengthMs > 0)) return;
    const missing = Math.floor((moment - this.rows.at(-1).start) / this.lengthMs);
    for (let step = 0; step < Math.min(missing, this._most); step += 1) {
      this.rows.push({ start: this.rows.at(-1).start + this.lengthMs, allow: 0, deny: {} });
    }
    this.rows.splice(0, this.rows.length - this._most);
  }

  _rowAt(moment) {
    this.reach(moment);
    if (!this.rows.length) return null;
    return this.rows[Math.floor((moment - this.rows[0].start) / this.lengthMs)] ?? null;
  }
}

/** All denials of one stretch. */
export function denied(row) {
  return Object.values(row.deny).reduce((sum, number) => sum + number, 0);
}
