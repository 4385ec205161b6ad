-- Everything can be recorded again.
DROP TRIGGER corpus_refuse ON audit_events;
DROP FUNCTION corpus_refuse();
