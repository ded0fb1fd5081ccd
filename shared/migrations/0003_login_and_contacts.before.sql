-- The client's installation that a login may ask to be checked; null until one was stored.
alter table account add column login_key_hash bytea;

-- What wrong passwords led to, by number: where unknown numbers are hidden, those that nobody has stand here too.
create table login_attempt (
  msisdn text primary key,
  wrong_at timestamptz[] not null default '{}', -- since the last block ended, at most four
  blocks integer not null default 0, -- in a row; each is twice as long as the one before
  blocked_until timestamptz not null default '-infinity',
  forget_at timestamptz not null default 'infinity' -- when the row means nothing any more
);

create index login_attempt_by_forget_at on login_attempt (forget_at);

-- Counts a wrong password of a number and returns true, or returns false while the number is blocked. The fifth within
-- 15 minutes begins a block of 15 minutes; the next five begin one twice as long, up to a day. Whoever counts sees all
-- that were counted before, so of any number of guesses at once only five are told that they were wrong.
--
-- A row without blocks means nothing when its last wrong password is 15 minutes old; one with blocks when there was
-- neither a block nor a wrong password for a day.
create function count_wrong_password(of_number text) returns boolean
language plpgsql volatile as $$
declare
  attempt login_attempt;
  moment timestamptz;
begin
  insert into login_attempt (msisdn) values (of_number)
  on conflict (msisdn) do update set msisdn = excluded.msisdn
  returning * into attempt;
  moment := clock_timestamp(); -- after the wait for the row

  if attempt.blocked_until > moment then
    return false;
  end if;
  if attempt.forget_at <= moment then
    attempt.blocks := 0;
  end if;
  attempt.wrong_at := array(
    select wrong from unnest(attempt.wrong_at) as wrong where wrong > moment - interval '15 minutes' order by wrong
  ) || moment;
  if cardinality(attempt.wrong_at) >= 5 then
    attempt.wrong_at := '{}';
    attempt.blocked_until := moment + least(interval '15 minutes' * 2 ^ least(attempt.blocks, 7), interval '24 hours');
    attempt.blocks := attempt.blocks + 1;
  end if;

  update login_attempt
  set wrong_at = attempt.wrong_at, blocks = attempt.blocks, blocked_until = attempt.blocked_until,
    forget_at = case
      when attempt.blocks > 0 then greatest(moment, attempt.blocked_until) + interval '24 hours'
      else moment + interval '15 minutes'
    end
  where msisdn = of_number;

  -- More than one for each that comes, so that the table holds only what still means something.
  delete from login_attempt where msisdn = any (array(
    select old.msisdn from login_attempt as old where old.forget_at <= moment
    order by old.forget_at limit 4 for update skip locked
  ));
  return true;
end
$$;

-- Concludes a login whose password was right for the hash `checked`: stores the token and returns 'done', or returns why
-- not. It takes its turn among the wrong ones: what a block overtook is 'blocked', though the password was right.
-- An attempt is locked before its account, here and by the command line, so that nobody waits in a circle.
create function conclude_login(
  of_account bigint, of_number text, checked text, given_key bytea, check_key boolean, new_token bytea, for_key bigint
) returns text
language plpgsql volatile as $$
declare
  attempt login_attempt;
  found_account account;
begin
  select * into attempt from login_attempt where msisdn = of_number for update;
  if attempt.blocked_until > clock_timestamp() then
    return 'blocked';
  end if;

  select * into found_account from account where id = of_account;
  if found_account.msisdn is distinct from of_number or found_account.password_hash is distinct from checked
    or (check_key and (given_key is null or found_account.login_key_hash is distinct from given_key))
  then
    return case when count_wrong_password(of_number) then 'wrong' else 'blocked' end;
  end if;
  if found_account.disabled then
    return 'disabled';
  end if;

  delete from login_attempt where msisdn = attempt.msisdn;
  if given_key is not null and not check_key then
    update account set login_key_hash = given_key where id = of_account;
  end if;
  insert into token (token_hash, account_id, api_key_id) values (new_token, of_account, for_key);
  return 'done';
end
$$;

-- An account's contacts, in the order of the file that they came from.
create table contact (
  account_id bigint not null,
  place integer not null,
  name text not null,
  msisdns text[] not null check (cardinality(msisdns) > 0),
  primary key (account_id, place)
);
