INSERT INTO sessions (session_id, user_id, issuer, client_id, department, tier, opened_us, last_used_us)
VALUES (:session_id, :user_id, :issuer, :client_id, :department, :tier, :now_us, :now_us)
ON CONFLICT (session_id) DO NOTHING
