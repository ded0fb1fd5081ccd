-- ahead-of: 0021
-- Deleting a conversation of a million messages gives as many events. They have a queue of their own, and so a relay
-- that must not read through them to find what was stored meanwhile, nor the other way round.
create index outbox_stored on outbox (id) where kind = any ('{1,2}'::smallint[]);
create index outbox_deleted on outbox (id) where kind = 3;
