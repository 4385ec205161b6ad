-- allowed_after_policy_change, question 13: the first allowed call of a user to a tool under a policy, when scope or
-- blocklist had denied the same under another policy within fourteen days, and this one came into force in between.
-- Variables: since, until. Denials and changes from the fourteen days before since count as well.
-- A process that starts tells its policy like one that changes it: a change by restart is a change. A policy that is
-- put back is not new again: who was allowed under it before is not reported a second time.
WITH denial AS (
    SELECT seq, recorded_at, user_id, server_name, tool_name, body ->> 'policy_version' AS policy_version,
           body ->> 'reason_code' AS reason_code
    FROM audit_events
    WHERE event_name = 'tool_call.decided'
      AND decision = 'deny'
      AND gate IN ('scope', 'blocklist')
      AND user_id IS NOT NULL
      AND recorded_at >= :'since'::timestamptz - interval '14 days'
      AND recorded_at <= :'until'
), change AS (
    SELECT seq, recorded_at, body ->> 'policy_version' AS policy_version
    FROM audit_events
    WHERE event_name = 'policy.changed'
      AND recorded_at >= :'since'::timestamptz - interval '14 days'
      AND recorded_at <= :'until'
), allowed AS (
    SELECT DISTINCT ON (user_id, server_name, tool_name, body ->> 'policy_version')
           event_id, seq, recorded_at, user_id, server_name, tool_name, session_id, client_id,
           body ->> 'policy_version' AS policy_version, body ->> 'src_ip' AS src_ip
    FROM audit_events
    WHERE event_name = 'tool_call.decided'
      AND decision = 'allow'
      AND user_id IS NOT NULL
      AND recorded_at >= :'since'
      AND recorded_at <= :'until'
      -- Nobody else can be found, and there are few of them: this spares the sort and the keys of all other lines.
      AND (user_id, server_name, tool_name) IN (SELECT user_id, server_name, tool_name FROM denial)
    ORDER BY user_id, server_name, tool_name, body ->> 'policy_version', seq
)
SELECT allowed.event_id, allowed.seq, allowed.recorded_at, allowed.user_id, allowed.server_name, allowed.tool_name,
       allowed.policy_version, last_denial.policy_version AS denied_policy_version, last_denial.recorded_at AS denied_at,
       last_denial.reason_code AS denied_reason_code, last_denial.changed_at, allowed.session_id, allowed.client_id, allowed.src_ip
FROM allowed
CROSS JOIN LATERAL (
    SELECT denial.policy_version, denial.recorded_at, denial.reason_code, change.recorded_at AS changed_at
    FROM denial
    JOIN change ON change.policy_version = allowed.policy_version AND change.seq > denial.seq AND change.seq < allowed.seq
    WHERE denial.user_id = allowed.user_id
      AND denial.server_name = allowed.server_name
      AND denial.tool_name = allowed.tool_name
      AND denial.policy_version <> allowed.policy_version
      AND denial.recorded_at >= allowed.recorded_at - interval '14 days'
    ORDER BY denial.seq DESC, change.seq DESC
    LIMIT 1
) AS last_denial
WHERE NOT EXISTS (
    SELECT FROM audit_events AS earlier
    WHERE earlier.user_id = allowed.user_id
      AND earlier.seq < allowed.seq
      AND earlier.event_name = 'tool_call.decided'
      AND earlier.decision = 'allow'
      AND earlier.server_name = allowed.server_name
      AND earlier.tool_name = allowed.tool_name
      AND earlier.body ->> 'policy_version' = allowed.policy_version)
ORDER BY allowed.seq;
