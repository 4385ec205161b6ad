/** What the page shows, as it stands behind the `#` of its address: it can be shared, and it never holds a token. */

import { FILTER_WORDS } from "./words.js";

/** What is listed when nobody has asked for anything else. */
const USUAL = { event: "tool_call.decided" };
export const WINDOWS = { "15m": 60, "1h": 60, "6h": 72, "24h": 72 };
const USUAL_WINDOW = "15m";

/** `{words, window, decision}`: the filter, how far back figures go, and the decision that is open. */
export function read(hash = location.hash) {
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  const said = FILTER_WORDS.filter((word) => given.get(word));
  const words = Object.fromEntries(said.map((word) => [word, given.get(word)]));
  const chosen = given.get("window");
  return {
    words: Object.keys(words).length ? words : { ...USUAL },
    window: Object.hasOwn(WINDOWS, chosen ?? "") ? chosen : USUAL_WINDOW,
    open: given.get("why"),
  };
}

/** The address of such a state. */
export function written({ words, window, open }) {
  const given = Object.entries(words).filter(([, value]) => value);
  const usual = given.length === 1 && words.event === USUAL.event;
  const all = new URLSearchParams(usual ? [] : given);
  if (window && window !== USUAL_WINDOW) all.set("window", window);
  if (open) all.set("why", open);
  return `#${all}`;
}

/** Go there; `hashchange` tells everybody. */
export function go(change) {
  location.hash = written({ ...read(), ...change });
}
