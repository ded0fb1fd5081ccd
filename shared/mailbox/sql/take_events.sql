delete from outbox
where id = any (array(select id from outbox where id > $1 and kind = any ($2) order by id limit $3 for update skip locked))
returning id, kind, account_id, message_id, change_seq, (extract(epoch from at) * 1000)::bigint as at
