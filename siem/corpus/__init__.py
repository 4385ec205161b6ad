"""Events with planted cases and near misses, made by the product itself under a clock that is told the time.

By which doors they come in:

- Tool calls, lists, probes of paths, refused tokens, foreign sessions and what a coding agent reports are HTTP requests
  to the whole application (scanner, identity layer, gates, real MCP servers), handed over in process so that the
  address of the caller can be said.
- Calls whose end must not come, or come minutes later, are admitted by the dispatcher, with a caller whom the real
  verifier has proven; and so are calls of a program in the same process, which come from no address.
- `policy.changed` comes of starts and of `adopt`; `execution.orphaned` of the recovery of the next process, and so does
  what was spooled while the database (by a trigger of the script's) refused all events.
- `audit.heartbeat` comes of the product's own loop, whose pauses end when the script says so.
- `audit.sink_failed`, `audit.sink_recovered` and `audit.gap` come of the real follower, which drives a sink of the
  script's, or finds a position that the script has put beyond the journal's end.
- Lines that are missing in the file were recorded, and are left out when it is written.

`every-kind.jsonl` alone comes from no process: it is made from the models.
"""
