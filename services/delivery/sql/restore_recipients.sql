-- To whom jobs go that may be for the mailbox of an account.
select array_agg(distinct recipient) from delivery_job
where state in ('waiting', 'submitting') and due_at <= delivery_now() and may_be_twin and carrier = ''
