/** The live stream, kept open: read with fetch, because EventSource cannot present a token. */

import { LONGEST_TOLD_S, objectIn, Problem } from "./api.js";
import { Frames } from "./frames.js";

export const LONGEST_WAIT_MS = 30_000;
/** Without a sign of life for so long the connection is made anew; the service's heartbeat comes much more often. */
export const SILENT_MS = 60_000;
/** Whatever the service asks for, it is not asked more often than this. */
const SHORTEST_WAIT_MS = 250;
/** A connection that was open for so long has worked; one that ends sooner counts as another failure. */
const STEADY_MS = 10_000;

/**
 * Tells its `listener`: `event(event)`, `position(seq)`, `opened()`, `lost({since, retryAt, problem})`,
 * `signedOut(problem)`. After a break it resumes behind the last position that it has seen.
 */
export class Stream {
  constructor(api, parameters, afterSeq, listener) {
    this._api = api;
    this._parameters = parameters;
    this._listener = listener;
    this._tries = 0;
    this._lostAt = null;
    this._renewed = false;
    this._stop = null;
    this._wake = null;
    this.seq = afterSeq;
  }

  /** Goes on until `close`, or until the reader is signed out. */
  async run() {
    this._open = true;
    while (this._open) {
      const problem = await this._read();
      if (!this._open) return;
      if (problem?.isSignedOut) {
        this.close();
        this._listener.signedOut(problem);
        return;
      }
      if (problem !== null) await this._wait(problem);
    }
  }

  close() {
    this._open = false;
    this._stop?.abort();
    this._wake?.();
  }

  /** Do not wait any longer with the next try. */
  tryNow() {
    this._wake?.();
  }

  /** Connect anew: what the connection looks like is not to be trusted. */
  renew() {
    this._renewed = true;
    this._stop?.abort();
    this._wake?.();
  }

  /** Read until the connection ends; null when it was only renewed, else what ended it. */
  async _read() {
    const stop = (this._stop = new AbortController());
    const frames = new Frames();
    let timer = 0;
    let openedMs = Infinity;
    this._renewed = false;
    const alive = () => {
      clearTimeout(timer);
      timer = setTimeout(() => this.renew(), SILENT_MS);
    };
    try {
      alive();
      const answer = await this._connect(stop.signal);
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      this._listener.opened();
      openedMs = performance.now();
      this._lostAt = null;
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return new Problem(0, "the service has ended the stream");
        alive();
        this._take(frames, value);
      }
    } catch (trouble) {
      if (this._renewed && this._lostAt === null) {
        this._lostAt = Date.now();
        return null;
      }
      return trouble instanceof Problem ? trouble : new Problem(0, "the connection to the service broke");
    } finally {
      clearTimeout(timer);
      stop.abort();
      if (performance.now() - openedMs > STEADY_MS) this._tries = 0;
      this._retryMs = frames.retryMs ?? this._retryMs;
    }
  }

  async _connect(signal) {
    const headers = { Accept: "text/event-stream", "Last-Event-ID": String(this.seq) };
    const answer = await this._api.open("/v1/events/stream", this._parameters, headers, signal);
    const kind = answer.headers.get("Content-Type") ?? "";
    if (!kind.toLowerCase().startsWith("text/event-stream")) throw new Problem(0, "what answers is not the service");
    return answer;
  }

  _take(frames, text) {
    for (const frame of frames.push(text)) {
      if (!this._open) return;
      this._listener.event(objectIn(frame.data));
      this._reach(frame.id);
    }
    this._reach(frames.lastId);
    this._listener.position(this.seq);
  }

  _reach(id) {
    if (/^\d+$/.test(id ?? "")) this.seq = Number(id);
  }

  async _wait(problem) {
    const first = Math.min(Math.max(this._retryMs ?? 3_000, SHORTEST_WAIT_MS), LONGEST_TOLD_S * 1000);
    const wait = Math.min(first * 2 ** this._tries, Math.max(first, LONGEST_WAIT_MS));
    this._tries += 1;
    this._lostAt ??= Date.now();
    const waitMs = Math.max(wait, (problem.retryAfterS ?? 0) * 1000) * (0.9 + 0.2 * Math.random());
    this._listener.lost({ since: this._lostAt, retryAt: Date.now() + waitMs, problem });
    await new Promise((resolve) => {
      this._wake = resolve;
      setTimeout(resolve, waitMs);
    });
    this._wake = null;
  }
}
