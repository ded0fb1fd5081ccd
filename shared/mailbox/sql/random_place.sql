-- A place somewhere in the mailboxes, each of them as likely as the next one, however many messages it has.
select account_id, (random() * last_message_id)::integer from mailbox
where account_id >= (select (random() * max(account_id))::bigint from mailbox)
order by account_id limit 1
