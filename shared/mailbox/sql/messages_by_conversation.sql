-- A page of one conversation: account, address, offset, limit, and the octets of text after which no further message
-- is fetched. The columns are named as the entries of the answer.
select page."messageId", $2::text as address, page.message, page.incoming, page.read, page.locked, page.origin,
  page.status, page."dateSent", page."dateStatus"
from (
  select newest.*,
    sum(octet_length(newest.message)) over (
      order by newest."dateSent" desc, newest."messageId" desc rows unbounded preceding
    ) - octet_length(newest.message) as octets_before
  from (
    select message_id as "messageId", body as message, incoming, read, locked, origin, status,
      date_sent as "dateSent", date_status as "dateStatus"
    from message
    where account_id = $1 and not deleted and conversation_id = (
      select conversation_id from conversation where account_id = $1 and address = $2 and not closed
    )
    order by date_sent desc, message_id desc offset $3 limit $4
  ) as newest
) as page
where page.octets_before < $5::bigint
order by page."dateSent" desc, page."messageId" desc
