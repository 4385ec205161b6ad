-- Token buckets that all processes share. Nothing of the record is in here: after a crash of the server the table is
-- empty, and every bucket is full.

CREATE UNLOGGED TABLE rate_buckets (
    key        bytea            NOT NULL PRIMARY KEY,
    tokens     double precision NOT NULL,
    then_s     double precision NOT NULL,
    rate_per_s double precision NOT NULL,
    capacity   double precision NOT NULL
) WITH (fillfactor = 20, autovacuum_vacuum_threshold = 1000, autovacuum_analyze_scale_factor = 1.0);
COMMENT ON TABLE rate_buckets IS 'Token buckets in use, one for each caller and endpoint and for each limit that callers share. A bucket that is not here is full. Not part of the record.';
COMMENT ON COLUMN rate_buckets.key IS 'The digest of whose bucket it is.';
COMMENT ON COLUMN rate_buckets.tokens IS 'What was in at then_s: so many calls may pass at once.';
COMMENT ON COLUMN rate_buckets.then_s IS 'The moment of tokens, in seconds since 1970 by the server''s clock; 0: full since ever.';
COMMENT ON COLUMN rate_buckets.rate_per_s IS 'Tokens that come in each second.';
COMMENT ON COLUMN rate_buckets.capacity IS 'Tokens that fit in.';

-- The formula. Its twins, which one table of cases holds to the same answers to the last bit: Bucket in
-- core/gatetrail/gates/bucket.py, and take.lua of the Valkey store.
CREATE FUNCTION gatetrail_level(
    tokens double precision, then_s double precision, rate_per_s double precision, capacity double precision,
    now_s double precision
) RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN now_s - then_s <= 0 THEN tokens ELSE least(capacity, tokens + (now_s - then_s) * rate_per_s) END;
COMMENT ON FUNCTION gatetrail_level IS 'Tokens in a bucket at now_s. Time that runs back refills nothing.';

-- Whole milliseconds until the bucket has a token, the moment itself decided by the same formula: floats round.
CREATE FUNCTION gatetrail_wait_ms(
    tokens double precision, then_s double precision, rate_per_s double precision, capacity double precision,
    now_s double precision, enough double precision
) RETURNS bigint LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    level   double precision := gatetrail_level(tokens, then_s, rate_per_s, capacity, now_s);
    wait_ms double precision;
BEGIN
    IF level >= enough THEN
        RETURN 0;
    END IF;
    wait_ms := greatest(1, ceil((greatest(0, then_s - now_s) + (1 - level) / rate_per_s) * 1000));
    WHILE gatetrail_level(tokens, then_s, rate_per_s, capacity, now_s + wait_ms / 1000) < enough LOOP
        wait_ms := wait_ms + 1;
    END LOOP;
    WHILE wait_ms > 1 AND gatetrail_level(tokens, then_s, rate_per_s, capacity, now_s + (wait_ms - 1) / 1000) >= enough LOOP
        wait_ms := wait_ms - 1;
    END LOOP;
    RETURN wait_ms;
END
$$;

-- Takes for many calls, one after the other, each of them wholly or not at all, and gives the wait of each call in
-- milliseconds: 0 when it has taken.
--   keys     each bucket once; locked in their order, so that no two takers wait for each other
--   firsts   for each key: the first token that is wanted of it, counted from 1; a new bucket has that one's limit
--   bucket   for each token that is wanted: which of the keys, counted from 1; tokens of one call stand together
--   rates, capacities   for each token that is wanted: the limit from now on
--   ends     for each call: its last token, counted from 1
--   at_s     for tests; otherwise the server's clock counts, as it is when all locks are held
CREATE FUNCTION gatetrail_take(
    keys bytea[], firsts integer[], bucket integer[], rates double precision[], capacities double precision[], ends integer[],
    at_s double precision DEFAULT NULL
) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
    enough  CONSTANT double precision := 1.0 - 1e-9;
    now_s   double precision;
    fills   double precision[];
    thens   double precision[];
    old_rates double precision[];
    old_capacities double precision[];
    changed boolean[];
    waits   bigint[] := array_fill(0::bigint, ARRAY[cardinality(ends)]);
    first   integer := 1;
    wait_ms bigint;
    b       integer;
BEGIN
    INSERT INTO rate_buckets (key, tokens, then_s, rate_per_s, capacity)
    SELECT k.key, capacities[k.first], 0, rates[k.first], capacities[k.first]
    FROM unnest(keys, firsts) AS k (key, first)
    ORDER BY k.key
    ON CONFLICT (key) DO UPDATE SET tokens = 0 WHERE false;  -- writes nothing, but locks

    SELECT array_agg(r.tokens ORDER BY k.number), array_agg(r.then_s ORDER BY k.number),
           array_agg(r.rate_per_s ORDER BY k.number), array_agg(r.capacity ORDER BY k.number),
           array_agg(false)
    INTO fills, thens, old_rates, old_capacities, changed
    FROM unnest(keys) WITH ORDINALITY AS k (key, number) JOIN rate_buckets AS r USING (key);

    now_s := coalesce(at_s, extract(epoch FROM clock_timestamp())::double precision);

    FOR asked IN 1 .. cardinality(ends) LOOP
        wait_ms := 0;
        FOR one IN first .. ends[asked] LOOP
            b := bucket[one];
            IF old_rates[b] <> rates[one] OR old_capacities[b] <> capacities[one] THEN
                fills[b] := least(gatetrail_level(fills[b], thens[b], old_rates[b], old_capacities[b], now_s), capacities[one]);
                thens[b] := greatest(now_s, thens[b]);
                old_rates[b] := rates[one];
                old_capacities[b] := capacities[one];
                changed[b] := true;
            END IF;
            IF gatetrail_level(fills[b], thens[b], rates[one], capacities[one], now_s) < enough THEN
                wait_ms := greatest(wait_ms, gatetrail_wait_ms(fills[b], thens[b], rates[one], capacities[one], now_s, enough));
            END IF;
        END LOOP;
        IF wait_ms = 0 THEN
            FOR one IN first .. ends[asked] LOOP
                b := bucket[one];
                fills[b] := greatest(0, gatetrail_level(fills[b], thens[b], rates[one], capacities[one], now_s) - 1);
                thens[b] := greatest(now_s, thens[b]);
                changed[b] := true;
            END LOOP;
        END IF;
        waits[asked] := wait_ms;
        first := ends[asked] + 1;
    END LOOP;

    UPDATE rate_buckets AS r
    SET tokens = u.tokens, then_s = u.then_s, rate_per_s = u.rate_per_s, capacity = u.capacity
    FROM unnest(keys, fills, thens, old_rates, old_capacities, changed)
        AS u (key, tokens, then_s, rate_per_s, capacity, changed)
    WHERE r.key = u.key AND u.changed;
    RETURN waits;
END
$$;
COMMENT ON FUNCTION gatetrail_take IS 'Takes tokens for many calls, each of them wholly or not at all; gives the wait of each in milliseconds.';

DO $$
BEGIN
    GRANT SELECT ON rate_buckets TO gatetrail_auditor;
EXCEPTION
    WHEN undefined_object OR insufficient_privilege THEN
        RAISE NOTICE 'role gatetrail_auditor may not read rate_buckets: an administrator can grant it later';
END
$$;
