-- From now on nothing can be recorded, as when somebody has made the database read-only.
CREATE FUNCTION corpus_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'cannot execute INSERT in a read-only transaction' USING ERRCODE = 'read_only_sql_transaction';
END
$$;
CREATE TRIGGER corpus_refuse BEFORE INSERT ON audit_events FOR EACH ROW EXECUTE FUNCTION corpus_refuse();
