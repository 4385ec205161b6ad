/** The token that the reader has pasted: kept in this tab only, and never in an address. */

const KEY = "gatetrail.token";
const VISIBLE = /^[\x21-\x7e]+$/;

export class Session {
  /** The token, or null. */
  get token() {
    return sessionStorage.getItem(KEY);
  }

  /** Keep what was pasted, with or without the word Bearer. Gives what is wrong with it, or null. */
  keep(pasted) {
    const token = pasted.trim().replace(/^bearer\s+/i, "");
    if (!token) return "Paste a token first.";
    if (!VISIBLE.test(token)) return "This is no token: it has spaces or characters that no token has.";
    sessionStorage.setItem(KEY, token);
    return null;
  }

  forget() {
    sessionStorage.removeItem(KEY);
  }
}
