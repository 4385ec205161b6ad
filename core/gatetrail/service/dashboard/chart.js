/** Decisions over time as a small drawing: allowed above, denials by gate below, in the same stretches of time. */

import { denied } from "./buckets.js";
import { drawn, element, mark, part, write } from "./dom.js";
import { count, many, minute } from "./format.js";
import { GATE_NAMES, GATES } from "./words.js";

const WIDTH = 720;
const ALLOWED_HEIGHT = 44;
const DENIED_HEIGHT = 92;
const GAP = 1.5;

export class Chart {
  constructor() {
    this._allowed = part("chart-allowed");
    this._denied = part("chart-denied");
    this._columns = [];
    this._rows = [];
    this._pointed = null;
    this._legend = legend(part("chart-legend"));
    this._table = part("chart-table");
    for (const drawing of [this._allowed, this._denied]) {
      drawing.addEventListener("pointermove", (moved) => this._point(moved, drawing));
      drawing.addEventListener("pointerleave", () => this._point(null, drawing));
    }
    part("chart-details").addEventListener("toggle", () => this._tabulate());
  }

  show(buckets, denials) {
    this._rows = buckets.rows;
    this._lengthMs = buckets.lengthMs;
    if (this._columns.length !== this._rows.length) this._build(this._rows.length);
    const mostAllowed = niceTop(Math.max(...this._rows.map((row) => row.allow), 1));
    const mostDenied = niceTop(Math.max(...this._rows.map(denied), 1));
    this._rows.forEach((row, at) => this._column(row, this._columns[at], mostAllowed, mostDenied));
    write(part("scale-allowed"), `up to ${count(mostAllowed)}`);
    write(part("scale-denied"), `up to ${count(mostDenied)}`);
    for (const gate of GATES) write(this._legend[gate], count(denials[gate] ?? 0));
    this._axis();
    this._describe(denials);
    this._read();
    this._tabulate();
  }

  _build(length) {
    const wide = WIDTH / length;
    const width = Math.max(wide - GAP, 0.5);
    const rect = (at, attributes) => drawn("rect", { x: at * wide + GAP / 2, width, ...attributes });
    this._columns = Array.from({ length }, (_nothing, at) => ({
      allowed: rect(at, { class: "allowed" }),
      gates: GATES.map((gate) => rect(at, { "data-gate": gate })),
    }));
    this._allowed.replaceChildren(...this._columns.map((column) => column.allowed));
    this._denied.replaceChildren(...this._columns.flatMap((column) => column.gates));
  }

  _column(row, column, mostAllowed, mostDenied) {
    const height = visible((ALLOWED_HEIGHT * row.allow) / mostAllowed);
    mark(column.allowed, "height", height);
    mark(column.allowed, "y", ALLOWED_HEIGHT - height);
    let ground = DENIED_HEIGHT;
    GATES.forEach((gate, at) => {
      const tall = visible((DENIED_HEIGHT * (row.deny[gate] ?? 0)) / mostDenied);
      ground -= tall;
      mark(column.gates[at], "height", tall);
      mark(column.gates[at], "y", Math.max(0, ground));
    });
  }

  _axis() {
    if (!this._rows.length) return;
    const first = this._rows[0].start;
    const end = this._rows.at(-1).start + this._lengthMs;
    write(part("axis-first"), minute(first));
    write(part("axis-middle"), minute((first + end) / 2));
    write(part("axis-last"), minute(end));
  }

  _describe(denials) {
    const told = GATES.filter((gate) => denials[gate]).map((gate) => `${GATE_NAMES[gate]} ${count(denials[gate])}`);
    mark(this._denied, "aria-label", `Denials by gate over time. ${told.join(", ") || "None"}.`);
    const sum = this._rows.reduce((all, row) => all + row.allow, 0);
    mark(this._allowed, "aria-label", `Allowed calls over time: ${count(sum)}.`);
  }

  _point(moved, drawing) {
    const box = drawing.getBoundingClientRect();
    this._pointed = moved === null ? null : Math.floor(((moved.clientX - box.left) / box.width) * this._rows.length);
    this._read();
  }

  _read() {
    const row = this._pointed === null ? null : this._rows[this._pointed];
    write(part("chart-readout"), row ? this._sentence(row) : "Point at a bar to read it.");
  }

  _sentence(row) {
    const gates = GATES.filter((gate) => row.deny[gate]).map((gate) => `${GATE_NAMES[gate]} ${count(row.deny[gate])}`);
    const why = gates.length ? ` (${gates.join(", ")})` : "";
    return `${this._stretch(row)}: ${count(row.allow)} allowed, ${many(denied(row), "denial")}${why}`;
  }

  _stretch(row) {
    return `${minute(row.start)}–${minute(row.start + this._lengthMs)}`;
  }

  /** The same as text, only while somebody has it open. */
  _tabulate() {
    if (!part("chart-details").open) return;
    const rows = this._rows.filter((row) => row.allow || denied(row)).reverse();
    const figures = (row) => [row.allow, ...GATES.map((gate) => row.deny[gate] ?? 0)];
    this._table.replaceChildren(
      ...rows.map((row) => element(
        "tr", {}, element("th", { scope: "row" }, this._stretch(row)),
        ...figures(row).map((figure) => element("td", {}, count(figure))),
      )),
    );
  }
}

function legend(list) {
  const figures = {};
  for (const gate of GATES) {
    figures[gate] = element("b", {}, "0");
    const swatch = element("span", { class: "swatch", "data-gate": gate });
    list.append(element("li", {}, swatch, GATE_NAMES[gate], " ", figures[gate]));
  }
  return figures;
}

/** One of many is still seen. */
function visible(height) {
  return height > 0 ? Math.max(height, 1.5) : 0;
}

/** The next number from here up that is round to the eye. */
function niceTop(number) {
  const power = 10 ** Math.floor(Math.log10(number));
  return [1, 2, 3, 4, 5, 6, 8, 10].map((step) => step * power).find((top) => top >= number) ?? number;
}
