-- The next messages of all accounts behind a key, in the order of their keys, of which those that stand have an address.
-- Bodies come as in `states`; the scan goes on behind the last row that has one or needs none.
select found.account_id, found.message_id, found.change_seq, found.address, found.locked, found.date_sent,
  case when found.octets - octet_length(found.body) < $4::bigint then found.body end as body
from (
  select page.account_id, page.message_id, page.change_seq, conversation.address, page.locked, page.date_sent, page.body,
    sum(octet_length(page.body)) over (order by page.account_id, page.message_id rows unbounded preceding) as octets
  from (
    select account_id, message_id, conversation_id, change_seq, locked, date_sent, body
    from message
    where (account_id, message_id) > ($1::bigint, $2::integer) and not deleted
    order by account_id, message_id limit $3::integer
  ) as page
  left join conversation on conversation.account_id = page.account_id
    and conversation.conversation_id = page.conversation_id and not conversation.closed
) as found
order by found.account_id, found.message_id
