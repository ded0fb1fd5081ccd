-- How messages stand that are named by account and id, in the order asked for. What is deleted or was never there does
-- not stand, nor what is in a closed conversation. Bodies come up to so many octets in all, one of them in any case;
-- where it is null there is one that the caller has to ask for again.
select found.account_id, found.message_id, found.change_seq, found.address, found.locked, found.date_sent,
  case when found.octets - octet_length(found.body) < $3::bigint then found.body end as body
from (
  select asked.place, message.account_id, message.message_id, message.change_seq, conversation.address, message.locked,
    message.date_sent, message.body,
    sum(octet_length(message.body)) over (order by asked.place rows unbounded preceding) as octets
  from unnest($1::bigint[], $2::integer[]) with ordinality as asked (account_id, message_id, place)
  join message using (account_id, message_id)
  join conversation using (account_id, conversation_id)
  where not message.deleted and not conversation.closed
) as found
order by found.place
