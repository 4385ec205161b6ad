/** The filter as a form: it writes the page's address, and shows what the address says. */

import * as address from "./address.js";
import { element, mark, part } from "./dom.js";
import { sentence } from "./format.js";
import { FILTER_WORDS, GATE_NAMES, GATES } from "./words.js";

/** Filters that are asked for often. */
const VIEWS = [
  ["Decisions", { event: "tool_call.decided" }],
  ["Denials", { event: "tool_call.decided", decision: "deny" }],
  ["Probes", { event: "scanner.detected" }],
  ["Refused identities", { event: "identity.refused" }],
  ["Policy", { event: "policy.*" }],
  ["Audit trail", { event: "audit.*" }],
  ["Everything", { event: "*" }],
];

export class Filters {
  constructor() {
    this._form = part("filters");
    const link = (name, words) => element("a", { href: address.written({ words }) }, name);
    this._views = VIEWS.map(([name, words]) => ({ words, link: link(name, words) }));
    part("views").append(...this._views.map((view) => element("li", {}, view.link)));
    for (const gate of GATES) this._form.elements.gate.append(element("option", { value: gate }, GATE_NAMES[gate]));
    this._form.addEventListener("submit", (submitted) => this._apply(submitted));
    part("filters-clear").addEventListener("click", () => address.go({ words: {} }));
  }

  /** Show what is asked for now. */
  show({ words, window }) {
    for (const word of FILTER_WORDS) {
      const field = this._form.elements[word];
      if (field) field.value = words[word] ?? "";
    }
    for (const view of this._views) {
      const same = FILTER_WORDS.every((word) => (view.words[word] ?? "") === (words[word] ?? ""));
      mark(view.link, "aria-current", same ? "true" : null);
      mark(view.link, "href", address.written({ words: view.words, window }));
    }
    this.problem(null);
  }

  /** Say what is wrong with the filter; null: nothing is. */
  problem(text) {
    part("filters-problem").textContent = sentence(text ?? "");
    part("filters-problem").hidden = text === null;
  }

  _apply(submitted) {
    submitted.preventDefault();
    const given = FILTER_WORDS.map((word) => [word, this._form.elements[word]?.value.trim()]);
    address.go({ words: Object.fromEntries(given.filter(([, value]) => value)) });
  }
}
