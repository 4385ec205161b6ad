/** Where figures and list get their events from: one stream of everything, and one of what the filter wants. */

import { Stream } from "./stream.js";
import { EXECUTION_WORDS } from "./words.js";
import { ROWS } from "./listing.js";

/** Further behind than this, the page begins anew instead of reading all that it has missed. */
export const FAR_BEHIND = 20_000;
const ENDS = new Set(["tool_call.completed", "execution.orphaned"]);
const ACCOUNT_EVERY_MS = 15_000;
/** So many times as long as an account takes is waited before the next. */
const SPARING = 20;
const TRIES = 3;

export class Feed {
  /**
   * `listener`: `changed()`, `opened()`, `lost(break)`, `signedOut(problem)`, `failed(problem)`. `state` gives words
   * and window of the page's address.
   */
  constructor(api, counts, pace, listing, listener) {
    Object.assign(this, { _api: api, _counts: counts, _pace: pace, _listing: listing, _listener: listener });
    this._everything = null;
    this._filtered = null;
    this._asking = null;
    this._life = new AbortController();
    this._wants = null;
    this._meanwhile = null;
    this._joinSeq = 0;
    this._timer = 0;
    this._broken = new Set();
    this._accounting = null;
    this._wanted = false;
  }

  /** Begin, or begin anew, with figures and list of this state, live from this position of the journal on. */
  async begin(state, headSeq) {
    this.end();
    this._life = new AbortController();
    this._state = state;
    this._counts.expect();
    this._everything = this._stream({}, headSeq, (event) => this._take(event), true);
    await this._accountRegularly();
    await this.list(state.words);
  }

  /** Let go of everything that is open. */
  end() {
    clearTimeout(this._timer);
    this._life.abort();
    this._accounting = null;
    this._wanted = false;
    this._asking?.abort();
    this._everything?.close();
    this._filtered?.close();
    this._everything = this._filtered = null;
    this._broken.clear();
  }

  /** Take a new account of the service now. */
  async refresh() {
    await this._account().catch((problem) => this._failed(problem));
  }

  tryNow() {
    this._everything?.tryNow();
    this._filtered?.tryNow();
  }

  /** Connect anew, without having lost anything. */
  renew() {
    this._everything?.renew();
    this._filtered?.renew();
  }

  /** Figures of another window. */
  async look({ window, buckets }) {
    this._state = { ...this._state, window, buckets };
    await this.refresh();
  }

  /** List what fits other words. Raises `Problem` when they make no filter. */
  async list(words) {
    this._asking?.abort();
    this._asking = new AbortController();
    const { signal } = this._asking;
    this._state = { ...this._state, words };
    this._close(this._filtered);
    this._filtered = null;
    this._wants = null;
    this._meanwhile = [];
    this._listing.clear();
    const page = await this._api.json("/v1/events", { ...words, limit: ROWS }, signal);
    signal.throwIfAborted();
    this._listing.begin(page.events);
    this._joinSeq = page.next_after ?? page.head_seq;
    this._wants = wantedHere(words);
    if (this._wants === null) {
      this._filtered = this._stream(words, this._joinSeq, (event) => this._listing.offer(event), false);
    }
    this._meanwhile.forEach((event) => this._list(event));
    this._meanwhile = null;
    this._listener.changed();
    await this._fillOutcomes(words, signal);
  }

  _stream(parameters, afterSeq, event, leads) {
    const stream = new Stream(this._api, parameters, afterSeq, {
      event: (one) => this._heard(stream, one, event, leads),
      position: (seq) => leads && this._counts.reach(seq),
      opened: () => this._mended(stream),
      lost: (broken) => {
        this._broken.add(stream);
        this._listener.lost(broken);
      },
      signedOut: (problem) => this._listener.signedOut(problem),
    });
    stream.run().catch((trouble) => this._failed(trouble));
    return stream;
  }

  /** The page is live when all of its streams are. */
  _mended(stream) {
    this._broken.delete(stream);
    if (!this._broken.size) this._listener.opened();
  }

  _close(stream) {
    stream?.close();
    if (this._broken.delete(stream) && !this._broken.size) this._listener.opened();
  }

  _heard(stream, one, event, leads) {
    if (one.event_name === "audit.gap" && one.seq === undefined) this._gap(one, leads);
    else if (one.seq < stream.seq) this._startAgain(one.seq);
    else event(one);
  }

  /** Events that the stream does not bring are in the service's account; the list says what it lacks. */
  _gap(notice, leads) {
    if (!leads || this._wants !== null) this._listing.offer(notice);
    if (leads) this.refresh();
  }

  _take(event) {
    this._counts.add(event);
    if (event.event_name === "tool_call.decided") this._pace.add(Date.now());
    if (ENDS.has(event.event_name)) this._listing.finish(event);
    if (this._meanwhile === null) this._list(event);
    else if (this._meanwhile.push(event) > ROWS) this._meanwhile.shift();
  }

  _list(event) {
    if (event.seq > this._joinSeq && this._wants?.(event)) this._listing.offer(event);
  }

  /** Now, and again after a while: the longer, the more work it is for the service. */
  async _accountRegularly() {
    const begunMs = performance.now();
    const { signal } = this._life;
    await this._account();
    signal.throwIfAborted();
    const waitMs = Math.max(ACCOUNT_EVERY_MS, SPARING * (performance.now() - begunMs));
    this._timer = setTimeout(() => this._accountAgain(), waitMs);
  }

  async _accountAgain() {
    const { signal } = this._life;
    try {
      await this._accountRegularly();
    } catch (problem) {
      this._failed(problem);
      if (!signal.aborted) this._timer = setTimeout(() => this._accountAgain(), ACCOUNT_EVERY_MS);
    }
  }

  /** One after the other; who asks while one is on its way gets one that was asked for later. */
  async _account() {
    this._wanted = true;
    if (this._accounting !== null) return this._accounting;
    const accounting = (this._accounting = this._accounts(this._life.signal));
    try {
      return await accounting;
    } finally {
      if (this._accounting === accounting) this._accounting = null;
    }
  }

  async _accounts(signal) {
    let taken = false;
    while (this._wanted && !signal.aborted) {
      this._wanted = false;
      taken = await this._oneAccount(signal);
    }
    return taken;
  }

  async _oneAccount(signal) {
    for (let tries = 0; tries < TRIES; tries += 1) {
      this._counts.expect();
      const { window, buckets } = this._state;
      const stats = await this._api.json("/v1/stats", { since: window, buckets }, signal);
      signal.throwIfAborted();
      if (stats.head_seq - this._everything?.seq > FAR_BEHIND) {
        this._startAgain(stats.head_seq);
        return false;
      }
      if (this._counts.rebase(stats)) {
        this._listener.changed();
        return true;
      }
    }
    return false;
  }

  /** Outcomes of listed decisions whose second event did not fit the filter. */
  async _fillOutcomes(words, signal) {
    const open = this._listing.rows.filter((row) => row.outcome?.status === "pending" && row.event.decision);
    if (!open.length) return;
    const asked = Object.fromEntries(EXECUTION_WORDS.filter((word) => words[word]).map((word) => [word, words[word]]));
    const page = await this._api.json("/v1/executions", { ...asked, before: open[0].seq + 1, limit: 1000 }, signal);
    for (const execution of page.executions) if (execution.status !== "pending") this._listing.finish(execution);
    this._listener.changed();
  }

  _startAgain(headSeq) {
    this._counts.forget();
    this.begin(this._state, headSeq).catch((problem) => this._failed(problem));
  }

  _failed(problem) {
    if (problem.name === "AbortError") return;
    if (problem.isSignedOut) this._listener.signedOut(problem);
    else this._listener.failed(problem);
  }
}

/** Whether an event of the stream of everything fits, where that needs no rule of the service; else null. */
function wantedHere(words) {
  const { event, ...others } = words;
  if (Object.keys(others).length || (event && event !== "*" && /[*?]/.test(event))) return null;
  return event && event !== "*" ? (one) => one.event_name === event : () => true;
}
