-- Messages of one account by their ids, or the locked ones of them, newest first, as far as so many octets of text go.
-- The columns are named as the entries of the answer.
select found."messageId", found.address, found.message, found.incoming, found.read, found.locked, found.origin,
  found.status, found."dateSent", found."dateStatus"
from (
  select message.message_id as "messageId", conversation.address, message.body as message, message.incoming,
    message.read, message.locked, message.origin, message.status, message.date_sent as "dateSent",
    message.date_status as "dateStatus",
    sum(octet_length(message.body)) over (
      order by message.date_sent desc, message.message_id desc rows unbounded preceding
    ) as octets
  from message
  join conversation using (account_id, conversation_id)
  where message.account_id = $1 and message.message_id = any ($2::integer[])
    and not message.deleted and not conversation.closed
    and (message.locked or not $3)
) as found
where found.octets - octet_length(found.message) < $4::bigint
order by found."dateSent" desc, found."messageId" desc
