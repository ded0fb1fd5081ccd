insert into delivery_heard as before (carrier, said, inbound_id, link, came_at)
values ($1::text, $2::text, replace(gen_random_uuid()::text, '-', ''), $3::text, delivery_now())
on conflict (carrier, said) do update set
  inbound_id = case
    when delivery_is_repeated(before, excluded.link, excluded.came_at) then before.inbound_id else excluded.inbound_id
  end,
  link = excluded.link, came_at = excluded.came_at, answered_at = null, is_refused = false, ended_at = null
returning inbound_id
