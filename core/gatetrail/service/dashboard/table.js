/**
 * The list as a table whose rows stay where they are: only their texts change, so that nothing on the page moves.
 *
 * One row is in the tab order; arrows, Home and End go on from it, Enter opens it.
 */

import { element, mark, write } from "./dom.js";
import { clock, fraction } from "./format.js";
import { ROWS } from "./listing.js";
import { ending } from "./row.js";
import { GATE_NAMES } from "./words.js";

export class Table {
  /** `open(row)` is called when somebody wants to see the whole of a row. */
  constructor(body, open) {
    this._body = body;
    this._open = open;
    this.clear();
    this._body.addEventListener("keydown", (pressed) => this._move(pressed));
    this._body.addEventListener("click", (clicked) => this._click(clicked));
  }

  /** Show these rows from the top. */
  show(rows) {
    this._lines.forEach((line, at) => fill(line, rows[at] ?? null));
    this._choose(Math.min(this._chosen, Math.max(0, rows.length - 1)));
  }

  /** Show nothing, and keep nothing. */
  clear() {
    this._lines = Array.from({ length: ROWS }, (_nothing, at) => this._line(at));
    this._chosen = 0;
    this._body.replaceChildren(...this._lines.map((line) => line.row));
  }

  /** Put the focus on the chosen row. */
  focus() {
    this._lines[this._chosen].button.focus();
  }

  _line(at) {
    const second = element("span", {}, "");
    const rest = element("span", { class: "fraction" }, "");
    const time = element("time", {}, second, rest);
    const verdict = element("span", { class: "verdict" }, "");
    const gate = element("span", { class: "gate" }, "");
    const tabindex = at ? -1 : 0;
    const button = element("button", { type: "button", class: "subject", tabindex, "aria-haspopup": "dialog" }, "");
    const whose = element("span", { class: "whose" }, "");
    const caller = element("span", { class: "caller" }, "");
    const tier = element("span", { class: "tier" }, "");
    const outcome = element("td", { class: "outcome" }, "");
    const row = element(
      "tr", { hidden: true },
      element("td", { class: "time" }, time),
      element("td", { class: "decision" }, verdict, gate),
      element("td", { class: "what" }, button, whose),
      element("td", { class: "who" }, caller, tier),
      outcome,
    );
    return { row, time, second, fraction: rest, verdict, gate, button, whose, caller, tier, outcome, shown: null };
  }

  _click(clicked) {
    const line = this._lines.find((one) => one.row === clicked.target.closest("tr"));
    // A mouse that has selected a text has clicked for that; a key has not.
    if (!line?.shown || (clicked.detail && String(getSelection()).length)) return;
    this._choose(this._lines.indexOf(line));
    this._open(line.shown);
  }

  _move(pressed) {
    const last = this._lines.findLastIndex((line) => line.shown !== null);
    const at = this._chosen;
    const to = {
      ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + 10, PageUp: at - 10, Home: 0, End: last,
    }[pressed.key];
    if (to === undefined || last < 0) return;
    pressed.preventDefault();
    this._choose(Math.max(0, Math.min(last, to)));
    this.focus();
  }

  _choose(at) {
    if (at === this._chosen) return;
    mark(this._lines[this._chosen].button, "tabindex", -1);
    this._chosen = at;
    mark(this._lines[at].button, "tabindex", 0);
  }
}

function fill(line, row) {
  line.shown = row;
  line.row.hidden = row === null;
  if (row === null) return;
  mark(line.row, "data-verdict", row.verdict);
  mark(line.row, "data-key", row.key);
  mark(line.time, "datetime", row.moment);
  mark(line.time, "title", row.moment);
  write(line.second, clock(row.moment));
  write(line.fraction, fraction(row.moment));
  write(line.verdict, row.title);
  mark(line.verdict, "title", row.event.event_name);
  write(line.gate, row.gate && row.title === "Denied" ? GATE_NAMES[row.gate] : "");
  mark(line.gate, "data-gate", row.gate ?? "none");
  write(line.button, row.subject);
  mark(line.button, "title", row.subject);
  mark(line.button, "aria-label", spoken(row));
  write(line.whose, [row.caller, ending(row)].filter(Boolean).join(", "));
  write(line.caller, row.caller);
  mark(line.caller, "title", row.caller);
  write(line.tier, row.tier);
  write(line.outcome, ending(row));
  mark(line.outcome, "title", [row.reason, row.explained].filter(Boolean).join(": ") || null);
  mark(line.outcome, "data-status", row.outcome?.status ?? "none");
}

function spoken(row) {
  const by = row.gate && row.title === "Denied" ? ` by ${GATE_NAMES[row.gate]}` : "";
  const whose = row.caller ? `, caller ${row.caller}` : "";
  return `${row.subject}: ${row.title}${by}${whose}, at ${clock(row.moment)}. Explain`;
}
