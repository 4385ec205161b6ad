-- impossible_travel, question 10: calls of a user from more than 500 km away from the call before, sooner than anybody
-- gets there at 900 km/h. Variables: since, until.
-- Where addresses are is not in the record. Load it beside it first, in the same session of psql:
--   BEGIN READ WRITE;
--   CREATE TEMP TABLE places (src_ip text PRIMARY KEY, latitude double precision, longitude double precision, city text);
--   \copy places FROM 'places.csv' WITH (FORMAT csv, HEADER)
--   COMMIT;
-- with a row for each address, from the geo database that you have. siem-samples/events/places.csv is for the sample
-- events. Then set since and until with \set, and read this file with \i.
-- Calls without an address, or with one that has no place (private ones), are passed over as if they had not been.
-- The day before since is enough of a baseline: in 23 hours one gets anywhere at 900 km/h.
WITH located AS (
    SELECT event_id, seq, recorded_at, user_id, session_id, client_id, server_name, tool_name, src_ip, latitude, longitude, city,
           body ->> 'http_user_agent' AS http_user_agent
    FROM audit_events
    CROSS JOIN LATERAL (SELECT body ->> 'src_ip') AS origin (src_ip)
    JOIN places USING (src_ip)
    WHERE event_name = 'tool_call.decided'
      AND decision = 'allow'
      AND user_id IS NOT NULL
      AND recorded_at >= :'since'::timestamptz - interval '1 day'
      AND recorded_at <= :'until'
), step AS (
    SELECT *, lag(src_ip) OVER by_user AS previous_ip, lag(city) OVER by_user AS previous_city,
           lag(recorded_at) OVER by_user AS previous_at, lag(latitude) OVER by_user AS previous_latitude,
           lag(longitude) OVER by_user AS previous_longitude
    FROM located
    WINDOW by_user AS (PARTITION BY user_id ORDER BY seq)
), way AS (
    -- The haversine formula; least() because rounding may lift the root of opposite places above 1.
    SELECT *, abs(extract(epoch FROM recorded_at - previous_at)) / 3600.0 AS hours,
           2 * 6371.0 * asin(least(1.0, sqrt(
               sin(radians(latitude - previous_latitude) / 2) ^ 2
               + cos(radians(previous_latitude)) * cos(radians(latitude)) * sin(radians(longitude - previous_longitude) / 2) ^ 2
           ))) AS km
    FROM step
    WHERE previous_at IS NOT NULL
)
SELECT event_id, seq, recorded_at, user_id, previous_ip, previous_city, previous_at, src_ip, city, round(km::numeric) AS km,
       round((km / nullif(hours, 0))::numeric) AS km_per_hour, session_id, client_id, http_user_agent, server_name, tool_name
FROM way
WHERE km > 500
  -- Multiplied, not divided: two calls may bear the same microsecond.
  AND km > 900 * hours
  AND recorded_at >= :'since'
ORDER BY seq;
