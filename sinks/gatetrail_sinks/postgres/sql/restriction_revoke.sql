-- A second revocation of the same user moves the moment until which his tokens count no longer; neither it nor the end
-- comes earlier for that. An end that is NULL is never.
WITH forgotten AS (
    DELETE FROM revoked_tokens WHERE expires_at < now() - interval '1 day'
), put AS (
    INSERT INTO revoked_tokens (token_id, user_id, issuer, reason, changed_by, expires_at)
    VALUES (%(token_id)s, %(user_id)s, %(issuer)s, %(reason)s, %(changed_by)s,
            now() + make_interval(secs => %(life_s)s))
    ON CONFLICT (token_id, user_id, issuer) DO UPDATE
    SET reason = excluded.reason, changed_by = excluded.changed_by,
        revoked_at = greatest(revoked_tokens.revoked_at, excluded.revoked_at),
        expires_at = nullif(greatest(coalesce(revoked_tokens.expires_at, 'infinity'),
                                     coalesce(excluded.expires_at, 'infinity')), 'infinity')
    RETURNING revoked_at
)
SELECT revoked_at, pg_notify(%(channel)s, '') FROM put
