/** The live stream, kept open: read with fetch, because EventSource cannot present a token. */

import { Problem } from "./api.js";
import { Frames } from "./frames.js";

export const LONGEST_WAIT_MS = 30_000;
/** Without a sign of life for so long the connection is made anew; the service's heartbeat comes much more often. */
export const SILENT_MS = 60_000;

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

  /** Read until the connection ends; null when it was only renewed, else what ended it. */
  async _read() {
    const stop = (this._stop = new AbortController());
    const frames = new Frames();
    let silent = null;
    let timer = 0;
    const alive = () => {
      clearTimeout(timer);
      timer = setTimeout(() => { silent = true; stop.abort(); }, SILENT_MS);
    };
    try {
      alive();
      const answer = await this._connect(stop.signal);
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      this._listener.opened();
      this._tries = 0;
      this._lostAt = null;
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return new Problem(0, "the service has ended the stream");
        alive();
        this._take(frames, value);
      }
    } catch (trouble) {
      if (silent && this._lostAt === null) {
        this._lostAt = Date.now();
        return null;
      }
      return trouble instanceof Problem ? trouble : new Problem(0, "the connection to the service broke");
    } finally {
      clearTimeout(timer);
      stop.abort();
      this._retryMs = frames.retryMs ?? this._retryMs;
    }
  }

  _connect(signal) {
    const headers = { Accept: "text/event-stream", "Last-Event-ID": String(this.seq) };
    return this._api.open("/v1/events/stream", this._parameters, headers, signal);
  }

  _take(frames, text) {
    for (const frame of frames.push(text)) {
      this._listener.event(JSON.parse(frame.data));
      if (frame.id !== null) this.seq = Number(frame.id);
    }
    if (frames.lastId !== null) this.seq = Number(frames.lastId);
    this._listener.position(this.seq);
  }

  async _wait(problem) {
    const first = this._retryMs ?? 3_000;
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
