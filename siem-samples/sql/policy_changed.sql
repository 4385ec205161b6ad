-- Question 13: another policy came into force. Starts of a process, which say again what is in force, are left out.
-- Variables: since, until.
SELECT event_id, seq, recorded_at, body ->> 'policy_version' AS policy_version,
       body ->> 'previous_policy_version' AS previous_policy_version, body ->> 'policy_source' AS policy_source,
       body -> 'changes' AS changes,
       body ->> 'shadow_policy_version' AS shadow_policy_version, body ->> 'instance_id' AS instance_id
FROM audit_events
WHERE event_name = 'policy.changed'
  AND body ->> 'previous_policy_version' IS NOT NULL
  AND recorded_at >= :'since'
  AND recorded_at <= :'until'
ORDER BY seq;
