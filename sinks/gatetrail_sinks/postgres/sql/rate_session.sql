SELECT set_config('statement_timeout', %(limit_ms)s::text, false), set_config('synchronous_commit', 'off', false)
