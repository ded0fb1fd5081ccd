select carrier, slot from delivery_renew_binds($1::text[], $2::integer[], $3::text[], $4::bigint)
