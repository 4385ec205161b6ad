SELECT seq FROM sink_cursors WHERE sink_name = %(sink_name)s
