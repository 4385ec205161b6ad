/** The closed lists of words that the record uses, in their order. */

/** Who denies; the first four run in this order. */
export const GATES = ["scope", "scanner", "blocklist", "rate_limit", "hook", "audit"];

export const GATE_NAMES = {
  scope: "Scope",
  scanner: "Scanner",
  blocklist: "Blocklist",
  rate_limit: "Rate limit",
  hook: "Hook",
  audit: "Audit",
};

/** What can be asked for, by the same names on the command line and in the API. */
export const FILTER_WORDS = [
  "since", "until", "user", "session", "trace", "client", "server", "tool", "gate", "decision", "event",
];

/** The words among them that executions can be asked for as well. */
export const EXECUTION_WORDS = ["since", "until", "user", "session", "trace", "client", "server", "tool", "gate"];
