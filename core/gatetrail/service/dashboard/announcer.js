/** What is said to those who listen instead of looking: changes at once, figures now and then. */

import { part } from "./dom.js";
import { count } from "./format.js";

const FIGURES_EVERY_MS = 20_000;

export class Announcer {
  constructor() {
    this._said = part("said");
    this._figuresAt = 0;
    this._before = null;
    document.addEventListener("announce", (told) => this.say(told.detail));
  }

  say(text) {
    this._said.textContent = text;
  }

  /** Say what has come since the last time, if that is long ago. */
  figures(totals, nowMs) {
    if (nowMs - this._figuresAt < FIGURES_EVERY_MS) return;
    const now = { allow: totals.allow ?? 0, deny: totals.deny ?? 0 };
    const more = (key) => Math.max(0, now[key] - (this._before?.[key] ?? now[key]));
    const [allowed, denied] = [more("allow"), more("deny")];
    if (allowed || denied) this.say(`${count(allowed)} allowed, ${count(denied)} denied since last told`);
    this._before = now;
    this._figuresAt = nowMs;
  }
}
