-- `offset 0` keeps the look-up of each conversation where it is, so that the messages come in the order of their key
-- and need no sorting. The columns are named as the entries of an answer.
select * from (
  select message_id as "messageId",
    (
      select conversation.address from conversation
      where conversation.account_id = message.account_id
        and conversation.conversation_id = message.conversation_id and not conversation.closed
    ) as address,
    body as message, incoming, read, locked, origin, status, date_sent as "dateSent", date_status as "dateStatus"
  from message
  where account_id = $1 and not deleted
  order by message_id
  offset 0
) as found
where address is not null
