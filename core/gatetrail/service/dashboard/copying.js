/** Buttons that put a text into the clipboard and say so. */

import { element, write } from "./dom.js";

const SAID_MS = 1_600;

/** A button for the text that `text()` gives when it is pressed; `name` says what that is. */
export function copyButton(name, text) {
  const attributes = { type: "button", class: "copy", "aria-label": `Copy ${name}` };
  const button = element("button", { ...attributes, click: () => press(button, name, text()) }, "Copy");
  return button;
}

/** A line of code with a button beside it. */
export function copyLine(name, text) {
  const code = element("code", { tabindex: 0 }, text);
  const label = element("span", { class: "name" }, name);
  return element("div", { class: "copyable" }, label, code, copyButton(name, () => text));
}

async function press(button, name, text) {
  const done = await copied(text);
  write(button, done ? "Copied" : "Refused");
  say(done ? `${name} copied` : "The browser does not let the page copy: select the text and copy it");
  setTimeout(() => write(button, "Copy"), SAID_MS);
}

/** Without TLS browsers keep their clipboard to themselves; the old way still works there. */
async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copiedBySelection(text);
  }
}

function copiedBySelection(text) {
  const field = element("textarea", { class: "unseen", "aria-hidden": "true", tabindex: -1 });
  field.value = text;
  const before = document.activeElement;
  (document.querySelector("dialog[open]") ?? document.body).append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  before?.focus();
  return done;
}

function say(text) {
  document.dispatchEvent(new CustomEvent("announce", { detail: text }));
}
