update account
set disabled = $2
where id = $1
returning id
