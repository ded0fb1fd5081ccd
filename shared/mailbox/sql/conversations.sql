-- The columns are named as the entries of the answer.
select address, snippet, messages_unread as "messagesUnread", messages_unsent as "messagesUnsent", messages,
  max_message_id as "maxMessageId", newest_date_sent as "dateLastMessage"
from conversation
where account_id = $1 and not closed
order by newest_date_sent desc, newest_message_id desc
