select delivery_postpone($1::bigint[], $2::integer[], $3::bigint)
