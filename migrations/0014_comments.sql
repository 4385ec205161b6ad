-- What has changed in what columns and views can hold.

COMMENT ON COLUMN scanner_probes.reason_code IS 'What gave it away: probe_path, probe_argument, scanner_agent, enumeration or burst; locked_out for what came after too many of these.';
COMMENT ON VIEW policy_changes IS 'Policies that came into force, and files that were refused. Each start of a process says again which one is in force. Where policy_version and previous_policy_version are the same, it is about a policy that is only tried.';
