select date_sent, message_id from search_find($1, $2, $3, $4, $5, $6, $7, $8, $9::text::tsquery)
order by date_sent desc, message_id desc
