-- account, number, checked password hash, key hash or null, whether to check it, token hash, API key
select conclude_login($1, $2, $3, $4, $5, $6, $7)
