select conversation_purge($1::bigint, $2::integer, $3::double precision)
