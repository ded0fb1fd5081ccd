-- oldest-code: 0.2.0
drop function message_insert(
  bigint[], text[], text[], bigint[], boolean[], boolean[], integer[], smallint[], boolean[], boolean
);
drop function message_update(bigint[], integer[], boolean[], boolean[], boolean);
drop function message_delete(bigint[], integer[], boolean);
drop function conversation_read(bigint[], text[], boolean);
