SELECT gatetrail_take(
    %(keys)b::bytea[], %(firsts)b::integer[], %(bucket)b::integer[], %(rates)b::float8[], %(capacities)b::float8[],
    %(ends)b::integer[], %(at_s)s::float8
)
