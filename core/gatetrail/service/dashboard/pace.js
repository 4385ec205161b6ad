/** How many in a second, over the last few seconds. */

const SECONDS = 5;

export class Pace {
  constructor() {
    this._seconds = new Map();
  }

  add(nowMs) {
    const second = Math.floor(nowMs / 1000);
    this._seconds.set(second, (this._seconds.get(second) ?? 0) + 1);
    if (this._seconds.size > SECONDS + 1) this._seconds.delete(this._seconds.keys().next().value);
  }

  /** Of the whole seconds before this one. */
  perSecond(nowMs) {
    const now = Math.floor(nowMs / 1000);
    let sum = 0;
    for (let back = 1; back <= SECONDS; back += 1) sum += this._seconds.get(now - back) ?? 0;
    return sum / SECONDS;
  }
}
