-- When an event was written, for those who ask how far behind its consumers are.
alter table outbox add column at timestamptz not null default now();
