select
  array(
    select coalesce(account.id, 0) from unnest($1::text[]) with ordinality as asked (msisdn, place)
    left join account using (msisdn) order by asked.place
  ) as account_ids,
  array(
    select coalesce(account.msisdn, '0') from unnest($2::bigint[]) with ordinality as asked (id, place)
    left join account using (id) order by asked.place
  ) as msisdns
