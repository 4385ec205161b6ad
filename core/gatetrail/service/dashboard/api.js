/** The service's HTTP API, asked with the reader's token. */

/** Nobody is made to wait longer, whatever is said: the page would look dead. */
export const LONGEST_TOLD_S = 300;

/** An answer that is none: `status` is 0 when the service could not be reached. `detail` says what to do. */
export class Problem extends Error {
  constructor(status, detail, code = "", retryAfterS = null) {
    super(detail);
    this.status = status;
    this.code = code;
    this.retryAfterS = retryAfterS;
  }

  /** Asking again later may help. */
  get isTransient() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }

  /** Nobody is signed in, or not any more. */
  get isSignedOut() {
    return this.status === 401;
  }
}

export class Api {
  /** `token()` gives the token to present, or null when a proxy in front has signed the reader in. */
  constructor(token) {
    this.token = token;
  }

  /** The JSON behind a path. Raises `Problem`, and `AbortError` when the signal says so. */
  async json(path, parameters = {}, signal = undefined) {
    const answer = await this.open(path, parameters, { Accept: "application/json" }, signal);
    try {
      return objectIn(await answer.text());
    } catch (trouble) {
      if (trouble instanceof Problem || trouble.name === "AbortError") throw trouble;
      throw new Problem(0, "the answer of the service broke off");
    }
  }

  /** The open answer. Raises as `json` does. */
  async open(path, parameters, headers, signal) {
    const token = this.token();
    const presented = token === null ? headers : { ...headers, Authorization: `Bearer ${token}` };
    let answer;
    try {
      answer = await fetch(address(path, parameters), {
        headers: presented, signal, cache: "no-store", credentials: "same-origin", redirect: "error",
      });
    } catch (trouble) {
      if (trouble.name === "AbortError") throw trouble;
      throw new Problem(0, "the service does not answer");
    }
    if (!answer.ok) throw await problemOf(answer);
    return answer;
  }
}

/** The object that a text from the service stands for. Raises `Problem` for anything else. */
export function objectIn(text) {
  let found = null;
  try {
    found = JSON.parse(text);
  } catch {
    // What a proxy puts in between is often a page.
  }
  if (typeof found !== "object" || found === null) throw new Problem(0, "what answers is not the service");
  return found;
}

function address(path, parameters) {
  const given = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const query = new URLSearchParams(given).toString();
  return query ? `${path}?${query}` : path;
}

/** RFC 9457, or whatever a proxy in between says. */
async function problemOf(answer) {
  const told = (await answer.json().catch(() => null)) ?? {};
  const detail = told.detail ?? told.error?.message ?? `the service answers ${answer.status} ${answer.statusText}`;
  const text = typeof detail === "string" ? detail : JSON.stringify(detail);
  return new Problem(answer.status, text, told.code, retryAfterS(answer.headers.get("Retry-After")));
}

/** Seconds to wait; null where nothing was said, or a date. A browser's timer cannot count to much more than this. */
function retryAfterS(said) {
  return /^\d+$/.test(said ?? "") ? Math.min(Number(said), LONGEST_TOLD_S) : null;
}
