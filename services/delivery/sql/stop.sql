insert into delivery_stop (at, reason) values ($1, $2) on conflict do nothing returning at
