/** Calls that were let through and have not ended: the oldest by name. */

const MOST = 20;
const KEPT = 200;

export class Flight {
  constructor(pending) {
    this._calls = new Map(pending.map((call) => [call.execution_id, call]));
  }

  /** Oldest first. */
  get calls() {
    return [...this._calls.values()].slice(0, MOST);
  }

  begin(event) {
    if (this._calls.size >= KEPT) return;
    const { execution_id, server_name, tool_name, user_id } = event;
    this._calls.set(execution_id, {
      execution_id, server_name, tool_name, user_id, started_at: event["@timestamp"], stuck: false,
    });
  }

  end(event) {
    this._calls.delete(event.execution_id);
  }
}
