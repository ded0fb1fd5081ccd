-- Keeps what cannot be passed on as a message to nobody, in hexadecimal digits: whatever is wrong with it, that is stored.
with buried as (
  update delivery_joining set joined_at = delivery_now() where id = $1::bigint and joined_at is null
  returning id, carrier, name, sender, destination, at
), kept as (
  insert into delivery_stranger (carrier, inbound_id, sender, destination, body, at, kept_at)
  select carrier, 'parts-' || name, sender, destination, string_agg(encode(body, 'hex'), ' ' order by number), at,
    delivery_now()
  from buried join delivery_joining_part on joining_id = id
  group by id, carrier, name, sender, destination, at
  on conflict (carrier, inbound_id) do nothing
)
update delivery_joining_part set body = null where joining_id in (select id from buried)
