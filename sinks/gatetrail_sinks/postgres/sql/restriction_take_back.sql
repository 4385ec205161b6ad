WITH tokens AS (
    DELETE FROM revoked_tokens
    WHERE (token_id = %(token_id)s OR user_id = %(user_id)s)
      AND (%(issuer)s::text IS NULL OR issuer IS NOT DISTINCT FROM %(issuer)s::text)
    RETURNING CASE WHEN token_id IS NULL THEN 'user_revoked' ELSE 'token_revoked' END AS kind,
              token_id, user_id, issuer, NULL::text AS tier, reason, changed_by, revoked_at AS since
), tiers AS (
    DELETE FROM user_tiers
    WHERE user_id = %(user_id)s AND (%(issuer)s::text IS NULL OR issuer IS NOT DISTINCT FROM %(issuer)s::text)
    RETURNING 'tier_limited', NULL::text, user_id, issuer, tier, reason, changed_by, limited_at
), gone AS (
    SELECT * FROM tokens UNION ALL SELECT * FROM tiers
)
SELECT gone.*, pg_notify(%(channel)s, '') FROM gone
