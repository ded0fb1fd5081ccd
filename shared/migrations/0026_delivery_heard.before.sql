-- ahead-of: 0021
-- Messages of carriers that give them no ids, by a digest of what they say: the same again is the same message if nobody
-- answered the first, or its answer may have been lost; else somebody said it twice. All dates are ms since 1970.
create table delivery_heard (
  carrier text not null,
  said text not null, -- a digest
  inbound_id text not null, -- what the last message that says it is called
  link text not null, -- over which it came
  came_at bigint not null,
  answered_at bigint, -- known when its link was still there a moment later
  is_refused boolean not null default false, -- it was not kept, and the carrier was told so
  ended_at bigint, -- when its link ended
  primary key (carrier, said)
) with (fillfactor = 70);

create index delivery_heard_age on delivery_heard (came_at);

-- Whether what comes over a link at a time is the message that came before. A carrier tries for 10 minutes. An answer that
-- took 5 s may have come too late, and one that was written within 15 s of its link's end not at all: then it comes again
-- as soon as there is another. Two in one moment over one link are two.
create function delivery_is_repeated(before delivery_heard, by_link text, at bigint) returns boolean
language sql immutable as $$
  select at - before.came_at <= 600000 and coalesce(
    before.is_refused
    or before.answered_at is null and (before.link <> by_link or at - before.came_at > 5000)
    or before.answered_at - before.came_at > 5000
    or before.ended_at - before.answered_at < 15000 and at - before.ended_at < 60000,
    false
  )
$$;

-- How often a message of several parts could not be passed on for what it is.
alter table delivery_joining add column failures smallint not null default 0;
