select tombstone_remove($1::bigint[], $2::integer[])
