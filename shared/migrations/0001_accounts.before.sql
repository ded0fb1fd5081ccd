create table api_key (
    id bigint generated always as identity primary key,
    name text not null,
    key_hash bytea not null unique,
    disabled boolean not null default false,
    created_at timestamptz not null default now()
);

-- An account without a number has no password: it never logs in, but it may have tokens.
create table account (
    id bigint generated always as identity primary key,
    msisdn text unique check (msisdn ~ '^[1-9][0-9]{0,14}$'),
    password_hash text,
    disabled boolean not null default false,
    created_at timestamptz not null default now()
);

-- Tokens end by revocation only; the row stays, so that a revoked one can be told from one that never was.
create table token (
    token_hash bytea primary key,
    account_id bigint not null,
    api_key_id bigint not null references api_key (id),
    created_at timestamptz not null default now(),
    revoked_at timestamptz
);

create index token_by_account on token (account_id) where revoked_at is null;
