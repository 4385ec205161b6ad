/** Says whether the page is live, and when it is not: since when, why, and when it tries again. */

import { mark, part, write } from "./dom.js";
import { clock, sentence } from "./format.js";

export class Connection {
  /** `announce(text)` tells who listens. */
  constructor(announce) {
    this._announce = announce;
    this._broken = null;
    setInterval(() => this._count(), 250);
    this._show("connecting", "Connecting");
  }

  opened() {
    if (this._broken !== null) this._announce("Live again");
    this._broken = null;
    this._show("live", "Live");
  }

  lost(broken) {
    if (this._broken === null) this._announce(`Disconnected: ${broken.problem.message}`);
    this._broken = broken;
    this._count();
  }

  /** Nobody is signed in any more. */
  forget() {
    this._broken = null;
    this._show("connecting", "Connecting");
  }

  _count() {
    if (this._broken === null) return;
    const { since, retryAt, problem } = this._broken;
    const seconds = Math.ceil((retryAt - Date.now()) / 1000);
    const next = seconds > 0 ? `trying again in ${seconds} s` : "trying again now";
    this._show("lost", "Disconnected");
    write(part("broken-text"), `Disconnected since ${clock(since)}, ${next}`);
    write(part("broken-why"), `${sentence(problem.message)} What is shown is as of then.`);
  }

  _show(state, text) {
    mark(part("connection"), "data-state", state);
    write(part("connection"), text);
    document.title = state === "lost" ? "Disconnected – Gatetrail" : "Gatetrail";
    part("broken").hidden = state !== "lost";
  }
}
