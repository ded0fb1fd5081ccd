delete from search_document
where (account_id, message_id) in (
  select account_id, message_id from search_document
  where gone_at < now() - interval '1 hour'
  order by gone_at limit $1 for update skip locked
)
returning account_id
