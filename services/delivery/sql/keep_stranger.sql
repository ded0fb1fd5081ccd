insert into delivery_stranger (carrier, inbound_id, sender, destination, body, at, kept_at)
values ($1, $2, $3, $4, $5, $6, delivery_now())
on conflict (carrier, inbound_id) do nothing
