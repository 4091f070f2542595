-- A project as earlier releases left it, with everything that is repaired since: tables open to
-- whoever has the public key, policies that let users write their own wallet, functions that run
-- as their owner on anybody's call and on any search path, a fixed list of kinds, and nothing that
-- stops the same reference from being logged twice.

create table public.generation_history (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references auth.users (id) on delete cascade,
    input_code text not null,
    generated_code text not null,
    language varchar(50),
    model varchar(50),
    created_at timestamptz default now()
);
create index generation_history_user_id_idx on public.generation_history (user_id);

create table public.user_tokens (
    user_id uuid primary key references auth.users (id) on delete cascade,
    balance integer not null default 0 check (balance >= 0),
    last_daily_bonus_at date,
    created_at timestamptz default now(),
    updated_at timestamptz default now()
);

create table public.token_transactions (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references public.user_tokens (user_id) on delete cascade,
    amount integer not null,
    type varchar(20) not null
        check (type in ('welcome', 'daily_bonus', 'usage', 'refund', 'purchase')),
    description text,
    balance_after integer not null,
    reference_id varchar(100),
    created_at timestamptz default now()
);

-- Row level security stands on one table of three, and its policies add up to everything.
alter table public.user_tokens enable row level security;
create policy "Users can view own tokens" on public.user_tokens
    for select using (auth.uid() = user_id);
create policy "Users can update own tokens" on public.user_tokens
    for update using (auth.uid() = user_id);
create policy "Service role can do everything" on public.user_tokens
    for all using (true) with check (true);
create policy "Users can insert own history" on public.generation_history
    for insert with check (auth.uid() = user_id);
create policy "Anyone can read transactions" on public.token_transactions
    for select to public using (true);
grant update (balance) on public.user_tokens to authenticated;

create function public.initialize_user_wallet(
    p_user_id uuid,
    p_default_amount integer default 100,
    p_description varchar default 'Welcome bonus'
) returns json language plpgsql security definer as $$
declare
    v_balance integer;
begin
    select balance into v_balance from user_tokens where user_id = p_user_id;
    if found then
        return json_build_object('success', true, 'created', false, 'balance', v_balance);
    end if;
    insert into user_tokens (user_id, balance) values (p_user_id, p_default_amount);
    insert into token_transactions (user_id, amount, type, description, balance_after)
        values (p_user_id, p_default_amount, 'welcome', p_description, p_default_amount);
    return json_build_object('success', true, 'created', true, 'balance', p_default_amount);
end
$$;

create function public.claim_daily_bonus(p_user_id uuid, p_bonus_amount integer)
returns json language plpgsql security definer as $$
declare
    v_balance integer;
begin
    update user_tokens
        set balance = balance + p_bonus_amount, last_daily_bonus_at = current_date
        where user_id = p_user_id and last_daily_bonus_at is distinct from current_date
        returning balance into v_balance;
    if not found then
        return json_build_object('success', false, 'already_claimed', true);
    end if;
    insert into token_transactions (user_id, amount, type, balance_after)
        values (p_user_id, p_bonus_amount, 'daily_bonus', v_balance);
    return json_build_object(
        'success', true, 'added', p_bonus_amount, 'current_balance', v_balance);
end
$$;

-- A release added the description and left the function without it in place.
create function public.deduct_tokens(p_user_id uuid, p_amount integer)
returns json language sql security definer as $$
    update user_tokens set balance = balance - p_amount where user_id = p_user_id
        returning json_build_object('success', true, 'current_balance', balance)
$$;

create function public.deduct_tokens(p_user_id uuid, p_amount integer, p_description text)
returns json language plpgsql security definer as $$
declare
    v_balance integer;
begin
    update user_tokens set balance = balance - p_amount
        where user_id = p_user_id and balance >= p_amount returning balance into v_balance;
    if not found then
        return json_build_object('success', false, 'error', 'INSUFFICIENT_TOKENS');
    end if;
    insert into token_transactions (user_id, amount, type, description, balance_after)
        values (p_user_id, -p_amount, 'usage', p_description, v_balance);
    return json_build_object(
        'success', true, 'deducted', p_amount, 'current_balance', v_balance);
end
$$;

create function public.refund_tokens(
    p_user_id uuid,
    p_amount integer,
    p_description text default 'Refund'
) returns json language plpgsql security definer as $$
declare
    v_balance integer;
begin
    update user_tokens set balance = balance + p_amount
        where user_id = p_user_id returning balance into v_balance;
    insert into token_transactions (user_id, amount, type, description, balance_after)
        values (p_user_id, p_amount, 'refund', p_description, v_balance);
    return json_build_object('success', true, 'current_balance', v_balance);
end
$$;

create function public.add_tokens(
    p_user_id uuid,
    p_amount integer,
    p_type varchar,
    p_description text default null,
    p_reference_id varchar default null
) returns json language plpgsql security definer as $$
declare
    v_balance integer;
begin
    if exists (select from token_transactions where reference_id = p_reference_id) then
        return json_build_object('success', false, 'error', 'DUPLICATE_TRANSACTION');
    end if;
    update user_tokens set balance = balance + p_amount
        where user_id = p_user_id returning balance into v_balance;
    insert into token_transactions
            (user_id, amount, type, description, balance_after, reference_id)
        values (p_user_id, p_amount, p_type, p_description, v_balance, p_reference_id);
    return json_build_object('success', true, 'current_balance', v_balance);
end
$$;
