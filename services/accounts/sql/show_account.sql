select
    account.id,
    account.msisdn,
    account.disabled,
    account.password_hash is not null as has_password,
    account.login_key_hash is not null as has_login_key,
    case
        when login_attempt.blocked_until > now()
            then to_char(login_attempt.blocked_until at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
    end as blocked_until,
    (select count(*) from token where token.account_id = account.id and token.revoked_at is null) as tokens,
    (select count(*) from contact where contact.account_id = account.id) as contacts,
    to_char(account.created_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as created_at
from account
left join login_attempt on login_attempt.msisdn = account.msisdn
where account.id = $1
