-- Pages of conversations, one for each place in the arrays: accounts, addresses, offsets, limits, and the octets of
-- text after which no further message of a page is fetched. `octets` is the text of the page up to this message. The
-- other columns are named as the entries of the answer.
select asked.place, page."messageId", asked.address, page.message, page.incoming, page.read, page.locked, page.origin,
  page.status, page."dateSent", page."dateStatus", page.octets
from unnest($1::bigint[], $2::text[], $3::integer[], $4::integer[])
  with ordinality as asked (account_id, address, skipped, wanted, place)
cross join lateral (
  select newest.*,
    sum(octet_length(newest.message)) over (
      order by newest."dateSent" desc, newest."messageId" desc rows unbounded preceding
    ) as octets
  from (
    select message_id as "messageId", body as message, incoming, read, locked, origin, status,
      date_sent as "dateSent", date_status as "dateStatus"
    from message
    where account_id = asked.account_id and not deleted and conversation_id = (
      select conversation_id from conversation
      where account_id = asked.account_id and address = asked.address and not closed
    )
    order by date_sent desc, message_id desc offset asked.skipped limit asked.wanted
  ) as newest
) as page
where page.octets - octet_length(page.message) < $5::bigint
order by asked.place, page."dateSent" desc, page."messageId" desc
