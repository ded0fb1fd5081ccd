insert into delivery_opt_out (own_number, number, is_out, at) values ($1, $2, $3, $4)
on conflict (own_number, number) do update set is_out = excluded.is_out, at = excluded.at
where delivery_opt_out.at < excluded.at or (delivery_opt_out.at = excluded.at and excluded.is_out)
