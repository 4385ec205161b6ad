-- The plans are those for a large table from the start: each bucket is found by its key, however many there are.
SELECT set_config('statement_timeout', %(limit_ms)s::text, false), set_config('synchronous_commit', 'off', false),
       set_config('enable_seqscan', 'off', false), set_config('enable_hashjoin', 'off', false),
       set_config('enable_mergejoin', 'off', false), set_config('plan_cache_mode', 'force_generic_plan', false),
       set_config('jit', 'off', false)
