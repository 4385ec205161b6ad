-- The chain of an empty journal, under a name and from a position of our own.
UPDATE chain_head SET chain_id = %(chain_id)s, seq = %(seq)s;
