INSERT INTO sink_replays (sink_name, kind, first_seq, last_seq, next_seq)
VALUES (%(sink_name)s, 'range', %(first_seq)s, %(last_seq)s, %(first_seq)s)
