-- Ids and change numbers that the lost database may have given go to nobody else.
update mailbox set
  last_message_id = last_message_id + $2::integer,
  last_change_seq = last_change_seq + $2::integer
where account_id = any ($1::bigint[])
