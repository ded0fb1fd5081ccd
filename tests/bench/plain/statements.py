"""The plain build's statements, over the same tables: ordinary ones, a round trip each."""

COUNT = """
insert into mailbox as kept (account_id, last_message_id, last_change_seq) values ($1, 1, 1)
on conflict (account_id) do update set
  last_message_id = kept.last_message_id + 1, last_change_seq = kept.last_change_seq + 1
returning last_message_id, last_change_seq
"""

# Account, message id, address, date, text.
CONVERSATION = """
insert into conversation as kept (
  account_id, conversation_id, address, messages, messages_unread, messages_unsent,
  max_message_id, newest_message_id, newest_date_sent, snippet
) values ($1, $2, $3, 1, 1, 0, $2, $2, $4, left($5, 100))
on conflict (account_id, address) where not closed do update set
  messages = kept.messages + 1, messages_unread = kept.messages_unread + 1, max_message_id = excluded.max_message_id,
  newest_message_id = excluded.newest_message_id, newest_date_sent = excluded.newest_date_sent,
  snippet = excluded.snippet
returning conversation_id
"""

MESSAGE = """
insert into message (
  account_id, message_id, conversation_id, change_seq, date_sent, origin, status, incoming, read, locked, body
) values ($1, $2, $3, $4, $5, 0, 0, true, false, false, $6)
"""

EVENT = "insert into outbox (account_id, message_id, change_seq, kind) values ($1, $2, $3, 1)"

# With a join instead of the inner query, Postgres sorts the whole conversation: three times the cost.
PAGE = """
select message_id as "messageId", $2::text as address, body as message, incoming, read, locked, origin, status,
  date_sent as "dateSent", date_status as "dateStatus"
from message
where account_id = $1 and not deleted and conversation_id = (
  select conversation_id from conversation where account_id = $1 and address = $2 and not closed
)
order by date_sent desc, message_id desc offset $3 limit $4
"""

CONVERSATIONS = """
select address, snippet, messages_unread as "messagesUnread", messages_unsent as "messagesUnsent", messages,
  max_message_id as "maxMessageId", newest_date_sent as "dateLastMessage"
from conversation where account_id = $1 and not closed order by newest_date_sent desc
"""
