-- How many messages stand, from the counters of their conversations.
select coalesce(sum(messages), 0)::bigint from conversation where not closed
