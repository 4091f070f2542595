-- Brings the tables of an existing project up to date. No row is removed and none is changed but
-- for what was never filled in; every step may be taken twice.

-- --- What the service relies on -------------------------------------------------------------

-- Earlier functions filled ids and times in themselves; today's leave that to the table. Rows
-- without a time could not be paged, so they sort behind all others.
do $$
declare
    v_column record;
begin
    for v_column in
        select c.table_name, c.column_name, c.data_type
        from information_schema.columns as c
        where c.table_schema = 'public'
          and c.table_name in ('generation_history', 'user_tokens', 'token_transactions')
          and c.column_name in ('id', 'created_at', 'updated_at')
          and c.column_default is null
          and c.is_identity = 'NO'
    loop
        if v_column.column_name = 'id' and v_column.data_type = 'uuid' then
            execute format('alter table public.%I alter column id set default gen_random_uuid()',
                v_column.table_name);
        elsif v_column.column_name <> 'id' then
            execute format('alter table public.%I alter column %I set default now()',
                v_column.table_name, v_column.column_name);
        end if;
    end loop;
end
$$;

update public.generation_history set created_at = 'epoch' where created_at is null;
alter table public.generation_history alter column created_at set not null;

-- A wallet a user. Where this fails there are two, which no migration can merge: it would have to
-- guess which balance is right.
do $$
begin
    if not exists (
        select from pg_catalog.pg_index as i
        join pg_catalog.pg_attribute as a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
        where i.indrelid = 'public.user_tokens'::regclass
          and i.indisunique and i.indnkeyatts = 1 and i.indpred is null
          and a.attname = 'user_id'
    ) then
        create unique index user_tokens_user_id_key on public.user_tokens (user_id);
    end if;
end
$$;

-- Never below zero, whatever the function that takes tokens overlooks.
do $$
begin
    if not exists (
        select from pg_catalog.pg_constraint as c
        where c.conrelid = 'public.user_tokens'::regclass and c.contype = 'c'
          and pg_catalog.pg_get_constraintdef(c.oid) ~ 'balance >= 0'
    ) then
        alter table public.user_tokens
            add constraint user_tokens_balance_not_negative check (balance >= 0) not valid;
    end if;
end
$$;

-- The log's words and references are text, so that no list of earlier kinds is in the way and a
-- reference of any form stays what it is. Constraints on the list of kinds go with it.
do $$
declare
    v_name text;
begin
    for v_name in
        select c.conname
        from pg_catalog.pg_constraint as c
        join pg_catalog.pg_attribute as a on a.attrelid = c.conrelid and a.attnum = any (c.conkey)
        where c.conrelid = 'public.token_transactions'::regclass
          and c.contype = 'c' and a.attname = 'type'
    loop
        execute format('alter table public.token_transactions drop constraint %I', v_name);
    end loop;
    if (select data_type from information_schema.columns
        where table_schema = 'public' and table_name = 'token_transactions'
          and column_name = 'type') <> 'text'
    then
        alter table public.token_transactions
            alter column type drop default,
            alter column type type text using type::text;
    end if;
    if (select data_type from information_schema.columns
        where table_schema = 'public' and table_name = 'token_transactions'
          and column_name = 'reference_id') <> 'text'
    then
        alter table public.token_transactions
            alter column reference_id type text using reference_id::text;
    end if;
end
$$;

-- --- Pages of history -----------------------------------------------------------------------

-- Exactly the order of a page, newest first, ties broken by id.
create index if not exists generation_history_page
    on public.generation_history (user_id, created_at desc, id desc);

create index if not exists token_transactions_of_user
    on public.token_transactions (user_id, created_at);

-- --- Charges and refunds --------------------------------------------------------------------

-- Charges that are neither settled nor refunded. A refund takes its row away, so that it can be
-- given once; what a process leaves here when it dies is given back by the next one.
create table if not exists public.open_charges (
    reference_id uuid primary key,
    user_id uuid not null references public.user_tokens (user_id) on delete cascade,
    amount integer not null check (amount > 0),
    created_at timestamptz not null default now()
);

create index if not exists open_charges_oldest on public.open_charges (created_at);

-- One entry of a kind a reference. Where earlier releases, which had no such rule, wrote one
-- twice, those rows stay, and the rule holds from now on.
do $$
declare
    v_since text := '';
begin
    if exists (
        select from pg_catalog.pg_class as c
        where c.relname = 'token_transactions_once' and c.relnamespace = 'public'::regnamespace
    ) then
        return;
    end if;
    if exists (
        select from public.token_transactions
        where reference_id is not null
        group by type, reference_id having count(*) > 1
    ) then
        v_since := format(' and created_at >= %L::timestamptz', now());
    end if;
    execute 'create unique index token_transactions_once'
        ' on public.token_transactions (type, reference_id)'
        ' where reference_id is not null' || v_since;
end
$$;

-- --- Who may see what -----------------------------------------------------------------------

-- The service role writes. A signed-in user may read rows of their own (the texts stay encrypted),
-- and nobody else anything. Policies of earlier releases go: two policies let in whom either does.
do $$
declare
    v_policy record;
begin
    for v_policy in
        select tablename, policyname from pg_catalog.pg_policies
        where schemaname = 'public'
          and tablename in
              ('generation_history', 'user_tokens', 'token_transactions', 'open_charges')
    loop
        execute format('drop policy %I on public.%I', v_policy.policyname, v_policy.tablename);
    end loop;
end
$$;

alter table public.generation_history enable row level security;
alter table public.user_tokens enable row level security;
alter table public.token_transactions enable row level security;
alter table public.open_charges enable row level security;

revoke all on table
    public.generation_history, public.user_tokens, public.token_transactions, public.open_charges
    from public, anon, authenticated;
grant select, insert, update, delete on table
    public.generation_history, public.user_tokens, public.token_transactions, public.open_charges
    to service_role;
grant select on table
    public.generation_history, public.user_tokens, public.token_transactions
    to authenticated;

-- As a subquery, the user is looked up once a statement and not once a row.
create policy "Users read their own history" on public.generation_history
    for select to authenticated using (user_id = (select auth.uid()));
create policy "Users read their own wallet" on public.user_tokens
    for select to authenticated using (user_id = (select auth.uid()));
create policy "Users read their own transactions" on public.token_transactions
    for select to authenticated using (user_id = (select auth.uid()));
