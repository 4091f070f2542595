-- The tables of TESTER, in the shape that every earlier release had them: a project that has them
-- already is left as it is. The next migration brings both to the same state.

-- Supabase has these roles; a plain PostgreSQL that serves as one gets them here.
do $$
begin
    if not exists (select from pg_catalog.pg_roles where rolname = 'anon') then
        create role anon nologin noinherit;
    end if;
    if not exists (select from pg_catalog.pg_roles where rolname = 'authenticated') then
        create role authenticated nologin noinherit;
    end if;
    if not exists (select from pg_catalog.pg_roles where rolname = 'service_role') then
        create role service_role nologin noinherit bypassrls;
    end if;
end
$$;

-- Both texts are encrypted by the service; the database never sees source code.
create table if not exists public.generation_history (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references auth.users (id) on delete cascade,
    input_code text not null,
    generated_code text not null,
    language varchar(50) not null,
    model varchar(50) not null,
    created_at timestamptz not null default now()
);

create table if not exists public.user_tokens (
    user_id uuid primary key references auth.users (id) on delete cascade,
    balance integer not null default 0 check (balance >= 0),
    -- The UTC day.
    last_daily_bonus_at date,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

-- The log of every wallet: what was given (positive) or taken (negative), and the balance after it.
create table if not exists public.token_transactions (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references auth.users (id) on delete cascade,
    amount integer not null,
    type text not null,
    description text,
    balance_after integer not null,
    reference_id text,
    created_at timestamptz not null default now()
);
