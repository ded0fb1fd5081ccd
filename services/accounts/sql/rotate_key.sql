update api_key
set key_hash = $2
where id = $1
returning id
