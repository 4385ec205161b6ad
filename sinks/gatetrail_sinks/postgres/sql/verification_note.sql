INSERT INTO verifications (intact, head_seq, head_hash, events, executions, flaw, flawed_seq, flawed_execution_id, detail)
VALUES (%(intact)s, %(head_seq)s, %(head_hash)s, %(events)s, %(executions)s, %(flaw)s, %(flawed_seq)s, %(flawed_execution_id)s::uuid, %(detail)s)
