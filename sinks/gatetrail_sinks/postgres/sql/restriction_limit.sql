WITH put AS (
    INSERT INTO user_tiers (user_id, issuer, tier, reason, changed_by)
    VALUES (%(user_id)s, %(issuer)s, %(tier)s, %(reason)s, %(changed_by)s)
    ON CONFLICT ON CONSTRAINT user_tiers_what DO UPDATE
    SET tier = excluded.tier, reason = excluded.reason, changed_by = excluded.changed_by,
        limited_at = excluded.limited_at
    RETURNING limited_at
)
SELECT limited_at, pg_notify(%(channel)s, '') FROM put
