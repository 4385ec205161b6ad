SELECT 'token_revoked' AS kind, token_id, user_id, issuer, NULL AS tier, reason, changed_by, revoked_at AS since
FROM revoked_tokens
WHERE token_id IS NOT NULL AND (expires_at IS NULL OR expires_at > now())
UNION ALL
SELECT 'user_revoked', token_id, user_id, issuer, NULL, reason, changed_by, revoked_at
FROM revoked_tokens
WHERE user_id IS NOT NULL AND (expires_at IS NULL OR expires_at > now())
UNION ALL
SELECT 'tier_limited', NULL, user_id, issuer, tier, reason, changed_by, limited_at
FROM user_tiers
ORDER BY since DESC
