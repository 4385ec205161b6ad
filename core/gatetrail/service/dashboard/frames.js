/** Server-Sent Events from text as it comes (WHATWG HTML, section 9.2.6). */

/** No event is nearly so long. */
export const MOST_CHARACTERS = 4_000_000;

export class Frames {
  constructor() {
    this.lastId = null;
    this.retryMs = null;
    this._left = "";
    this._clear();
  }

  /** The frames that this piece of text completes: `{id, event, data}`, in order. Raises `RangeError` at no end. */
  push(text) {
    const lines = (this._left + text).split(/\r\n|\n|\r(?!$)/);
    this._left = lines.pop();
    if (this._left.length + this._length > MOST_CHARACTERS) throw new RangeError("an event without end");
    const frames = [];
    for (const line of lines) {
      if (line !== "") this._note(line);
      else this._dispatch(frames);
    }
    return frames;
  }

  _note(line) {
    const colon = line.indexOf(":");
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    if (field === "data") {
      this._data.push(value);
      this._length += value.length;
    }
    if (field === "event") this._event = value;
    else if (field === "id" && !value.includes("\0")) this._id = value;
    else if (field === "retry" && /^\d+$/.test(value)) this.retryMs = Number(value);
  }

  _dispatch(frames) {
    if (this._id !== null) this.lastId = this._id;
    if (this._data.length) frames.push({ id: this._id, event: this._event || "message", data: this._data.join("\n") });
    this._clear();
  }

  _clear() {
    this._id = null;
    this._event = "";
    this._data = [];
    this._length = 0;
  }
}
