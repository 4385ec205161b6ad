/** How the reader is signed in: kept in this tab only, and never in an address. */

const TOKEN = "gatetrail.token";
const PROXY = "gatetrail.proxy";
const VISIBLE = /^[\x21-\x7e]+$/;

export class Session {
  constructor() {
    this._storage = storage();
  }

  /** The token that the reader has pasted, or null. */
  get token() {
    return this._storage.getItem(TOKEN);
  }

  /** Whether there is anything to ask the service with: a token, or the reader's word that a proxy vouches for them. */
  get isThere() {
    return this.token !== null || this.isByProxy;
  }

  get isByProxy() {
    return this._storage.getItem(PROXY) !== null;
  }

  /** Keep what was pasted, with or without the word Bearer. Gives what is wrong with it, or null. */
  keep(pasted) {
    const token = pasted.trim().replace(/^bearer\s+/i, "");
    if (!token) return "Paste a token first.";
    if (!VISIBLE.test(token)) return "This is no token: it has spaces or characters that no token has.";
    this.forget();
    this._storage.setItem(TOKEN, token);
    return null;
  }

  /** Go without a token: a proxy in front adds what proves the reader. */
  trustProxy() {
    this.forget();
    this._storage.setItem(PROXY, "yes");
  }

  forget() {
    this._storage.removeItem(TOKEN);
    this._storage.removeItem(PROXY);
  }
}

/** Where a browser lets no page keep anything, the page itself keeps it, until it is loaded again. */
function storage() {
  try {
    return sessionStorage;
  } catch {
    const kept = new Map();
    return {
      getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value),
      removeItem: (key) => kept.delete(key),
    };
  }
}
