-- What waits for one consumer of events must not be read again and again by those who look for another's.
create index outbox_sends on outbox (id) where kind = 4;

-- Takes at most `most` events of some kinds, first come first, that nobody else is taking.
create function outbox_take(kinds smallint[], behind bigint, most integer) returns table (
  id bigint, kind smallint, account_id bigint, message_id integer, change_seq bigint, at bigint
)
language plpgsql volatile
-- The indexes are right for any size of the table, whatever is known of it.
set enable_seqscan to off
as $$
begin
  -- Planned for these kinds each time: an index of some of them is of no use to a plan for any.
  return query execute format(
    'delete from outbox where id = any (array(
       select id from outbox where id > $1 and kind = any (%L::smallint[]) order by id limit $2 for update skip locked
     ))
     returning id, kind, account_id, message_id, change_seq, (extract(epoch from at) * 1000)::bigint', kinds
  ) using behind, most;
end
$$;

-- Which indexes of OpenSearch every indexer writes to: one, or two while the index is built anew.
create table search_generation (
  name text primary key,
  created_at timestamptz not null default now()
);

-- The index of an installation that searches with Postgres. `words` are those of the message, joined by one blank;
-- `lexemes` are the same, each once and behind its account, and null where they are more than a tsvector takes. Phrases
-- are looked for in `words`: a tsvector keeps the places of a word up to the 16,383rd only. What is gone stays for an
-- hour without its words, so that a late write of an earlier state does not bring it back.
create table search_document (
  account_id bigint not null,
  message_id integer not null,
  change_seq bigint not null,
  date_sent bigint not null,
  address text not null,
  locked boolean not null,
  words text not null,
  lexemes tsvector,
  gone_at timestamptz,
  primary key (account_id, message_id)
);

create index search_document_lexemes on search_document using gin (lexemes);
create index search_document_long on search_document (account_id) where lexemes is null and gone_at is null;
create index search_document_newest on search_document (account_id, date_sent desc, message_id desc)
  where gone_at is null;
create index search_document_gone on search_document (gone_at) where gone_at is not null;

-- The words of a message as the index looks them up, or null where they are more than a tsvector takes.
create function search_lexemes(of_account bigint, of_words text) returns tsvector
language sql immutable as $$
  select case when coalesce(sum(octet_length(lexeme)), 0) <= 1000000
    then array_to_tsvector(coalesce(array_agg(lexeme), '{}')) end
  from (
    select distinct of_account || '/' || word as lexeme from unnest(string_to_array(of_words, ' ')) as word
  ) as found
$$;

-- Takes states of messages, no two of one message; null words say that it is gone. An older state never overwrites a
-- newer one. Nothing of an erased account is taken: the locks are those of `mailbox_create`, so an erase waits for what
-- is being written, and what comes later knows of it.
create function search_write(
  account_ids bigint[], message_ids integer[], change_seqs bigint[], dates bigint[], addresses text[],
  lockeds boolean[], new_words text[]
) returns void
language plpgsql volatile as $$
begin
  perform pg_advisory_xact_lock_shared(13, hashint8(written.account_id))
  from (select distinct account_id from unnest(account_ids) as asked (account_id) order by account_id) as written;

  insert into search_document as kept (
    account_id, message_id, change_seq, date_sent, address, locked, words, lexemes, gone_at
  )
  select written.account_id, written.message_id, written.change_seq, written.date_sent, written.address,
    written.locked, coalesce(written.words, ''), search_lexemes(written.account_id, written.words),
    case when written.words is null then now() end
  from unnest(account_ids, message_ids, change_seqs, dates, addresses, lockeds, new_words)
    as written (account_id, message_id, change_seq, date_sent, address, locked, words)
  where not exists (select from erased_account where erased_account.account_id = written.account_id)
  order by written.account_id, written.message_id
  on conflict (account_id, message_id) do update set
    change_seq = excluded.change_seq, date_sent = excluded.date_sent, address = excluded.address,
    locked = excluded.locked, words = excluded.words, lexemes = excluded.lexemes, gone_at = excluded.gone_at
  where kept.change_seq <= excluded.change_seq;
end
$$;

-- Messages of an account, newest first behind a place, that have all of some pieces of text among their words and none of
-- others. `lexemes_wanted` is a condition that the index answers: it knows all words but those of very long messages.
create function search_find(
  of_account bigint, of_address text, only_locked boolean, behind_date bigint, behind_message integer, most integer,
  unwanted text[], wanted text[], lexemes_wanted tsquery
) returns table (date_sent bigint, message_id integer)
language plpgsql stable
-- A word that is seldom is looked up, one that is everywhere is met soon in the newest messages: that is decided anew for
-- each query, from what Postgres knows of the words.
set plan_cache_mode to force_custom_plan
as $$
#variable_conflict use_column
begin
  return query
  select found.date_sent, found.message_id from search_document as found
  where found.account_id = of_account and found.gone_at is null
    and (found.lexemes @@ lexemes_wanted or found.lexemes is null)
    and (of_address is null or found.address = of_address) and (found.locked or not only_locked)
    and (found.date_sent, found.message_id) < (behind_date, behind_message)
    and not exists (select from unnest(wanted) as needle where strpos(' ' || found.words || ' ', needle) = 0)
    and not exists (select from unnest(unwanted) as needle where strpos(' ' || found.words || ' ', needle) > 0)
  order by found.date_sent desc, found.message_id desc limit most;
end
$$;
