-- Jobs that were due before now may have been sent since the backup: no carrier gets them. Those for the mailboxes of
-- accounts ($1 has their numbers) go on, for what these got since the backup is lost.
with past as (
  update delivery_job set expires_at = delivery_now() - 1
  where (state = 'submitting' or state = 'waiting' and due_at <= delivery_now())
    and not (may_be_twin and carrier = '' and recipient = any ($1::text[]))
  returning account_id, message_id
), noted as (
  insert into delivery_timeline (account_id, message_id, at, state, reason)
  select account_id, message_id, delivery_now(), 'restored', 'it may have been sent after the backup' from past
)
select count(*) from past
