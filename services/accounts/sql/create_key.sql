insert into api_key (name, key_hash)
values ($1, $2)
returning id
