-- Messages of an account, newest first behind a place, that have none of some pieces of text among their words.
select date_sent, message_id from search_document
where account_id = $1 and gone_at is null
  and ($2::text is null or address = $2) and (locked or not $3)
  and (date_sent, message_id) < ($4::bigint, $5::integer)
  and not exists (select from unnest($7::text[]) as needle where strpos(' ' || words || ' ', needle) > 0)
order by date_sent desc, message_id desc limit $6
