/** The sheet that shows one row in full. */

import { element, part } from "./dom.js";
import { plain, sentence } from "./format.js";
import { decisionParts, eventParts, policyParts } from "./why.js";

/** So often is looked again whether a call in flight has ended. */
const AGAIN_MS = 1_500;

export class Drilldown {
  /** `closed()` is told when the reader is through. */
  constructor(api, closed) {
    this._api = api;
    this._dialog = part("sheet");
    this._body = part("sheet-body");
    this._timer = 0;
    this._asking = null;
    part("sheet-close").addEventListener("click", () => this._dialog.close());
    this._dialog.addEventListener("close", () => this._left(closed));
    this._dialog.addEventListener("click", (clicked) => {
      if (clicked.target === this._dialog) this._dialog.close();
    });
  }

  /** Show a decision, asked of the service. */
  async decision(id) {
    this._begin("Why", id);
    this._say("Asking the record…");
    await this._load(id);
  }

  /** Show an event that the page has. */
  event(event) {
    this._begin(plain(event.event_name), event.event_id);
    this._body.replaceChildren(...eventParts(event));
  }

  /** Show the policy in force. */
  async policy() {
    this._begin("Policy in force", "");
    await this._ask("/v1/policy", (policy) => {
      part("sheet-id").textContent = plain(policy.version);
      return policyParts(policy);
    });
  }

  close() {
    if (this._dialog.open) this._dialog.close();
  }

  _begin(title, id) {
    this._stop();
    part("sheet-title").textContent = title;
    part("sheet-id").textContent = plain(id ?? "");
    if (!this._dialog.open) this._dialog.showModal();
    this._body.scrollTop = 0;
    part("sheet-title").focus();
  }

  async _load(id) {
    await this._ask(`/v1/decisions/${encodeURIComponent(id)}`, (why) => {
      if (why.execution_status === "pending") this._timer = setTimeout(() => this._again(id), AGAIN_MS);
      return decisionParts(why, (other) => { location.hash = sameButOpen(other); });
    });
  }

  async _ask(path, parts) {
    const asking = (this._asking = new AbortController());
    try {
      this._body.replaceChildren(...parts(await this._api.json(path, {}, asking.signal)));
    } catch (problem) {
      if (problem.name === "AbortError") return;
      this._say(sentence(problem.message));
    }
  }

  /** Not while somebody is selecting, or has unfolded or focused something in there. */
  _again(id) {
    const inside = this._body.contains(document.activeElement);
    const busy = inside || String(getSelection()) || this._body.querySelector("details[open]");
    if (busy) this._timer = setTimeout(() => this._again(id), AGAIN_MS);
    else this._load(id);
  }

  _say(text) {
    this._body.replaceChildren(element("p", { role: "status" }, text));
  }

  _stop() {
    clearTimeout(this._timer);
    this._asking?.abort();
  }

  _left(closed) {
    this._stop();
    this._body.replaceChildren();
    closed();
  }
}

function sameButOpen(id) {
  const given = new URLSearchParams(location.hash.slice(1));
  given.set("why", id);
  return `#${given}`;
}
