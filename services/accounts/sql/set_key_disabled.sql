update api_key
set disabled = $2
where id = $1
returning id
