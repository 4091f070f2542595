-- The wallet's functions. They take the place of those of earlier releases, whose callers keep
-- working: names, arguments and answers are the same, and what is new has a default.
--
-- They run with the rights of their caller, which must be the service role: a grant that is given
-- by mistake opens nothing, for row level security stands behind it. The search path is empty, so
-- that no object of somebody else's can take the place of one of ours.
--
-- Every function that moves tokens locks the wallet first, then a charge, so that two of them
-- never wait for each other. The log's times are taken under that lock: in their order, the
-- balances follow from each other.

-- `create or replace` can change neither names nor types, and leaves other signatures callable.
do $$
declare
    v_function regprocedure;
begin
    for v_function in
        select p.oid::regprocedure
        from pg_catalog.pg_proc as p
        where p.pronamespace = 'public'::regnamespace
          and p.proname in (
              'initialize_user_wallet', 'claim_daily_bonus', 'open_user_wallet', 'deduct_tokens',
              'refund_tokens', 'add_tokens', 'settle_charge', 'refund_abandoned_charges',
              'tester_schema_version'
          )
    loop
        execute format('drop function %s', v_function);
    end loop;
end
$$;

-- Opens a wallet with a gift, unless there is one.
create function public.initialize_user_wallet(
    p_user_id uuid,
    p_default_amount integer default 50,
    p_description text default 'welcome gift'
) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
declare
    v_balance integer;
begin
    if p_default_amount < 0 then
        raise exception 'p_default_amount must not be negative' using errcode = '22023';
    end if;
    insert into public.user_tokens (user_id, balance)
        values (p_user_id, p_default_amount)
        on conflict (user_id) do nothing
        returning balance into v_balance;
    if not found then
        select balance into v_balance from public.user_tokens where user_id = p_user_id;
        return jsonb_build_object('success', true, 'created', false, 'balance', v_balance);
    end if;
    if p_default_amount > 0 then
        insert into public.token_transactions
                (user_id, amount, type, description, balance_after, created_at)
            values (p_user_id, p_default_amount, 'welcome', p_description, v_balance,
                clock_timestamp());
    end if;
    return jsonb_build_object('success', true, 'created', true, 'balance', v_balance);
end
$$;

-- Gives the bonus of the UTC day, once. A clock that goes back gives nothing twice.
create function public.claim_daily_bonus(
    p_user_id uuid,
    p_bonus_amount integer default 30
) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
declare
    v_today date := (now() at time zone 'utc')::date;
    v_balance integer;
begin
    if p_bonus_amount < 0 then
        raise exception 'p_bonus_amount must not be negative' using errcode = '22023';
    end if;
    update public.user_tokens
        set balance = balance + p_bonus_amount, last_daily_bonus_at = v_today, updated_at = now()
        where user_id = p_user_id
          and (last_daily_bonus_at is null or last_daily_bonus_at < v_today)
        returning balance into v_balance;
    if found then
        if p_bonus_amount > 0 then
            insert into public.token_transactions
                    (user_id, amount, type, description, balance_after, created_at)
                values (p_user_id, p_bonus_amount, 'daily_bonus', 'daily bonus', v_balance,
                    clock_timestamp());
        end if;
        return jsonb_build_object(
            'success', true, 'added', p_bonus_amount, 'current_balance', v_balance);
    end if;
    select balance into v_balance from public.user_tokens where user_id = p_user_id;
    if not found then
        return jsonb_build_object(
            'success', false, 'error', 'USER_NOT_FOUND', 'current_balance', 0);
    end if;
    return jsonb_build_object(
        'success', false, 'already_claimed', true, 'current_balance', v_balance);
end
$$;

-- Opens a wallet with both gifts at once: nobody ever finds it with the first one alone.
create function public.open_user_wallet(
    p_user_id uuid,
    p_default_amount integer,
    p_bonus_amount integer
) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
begin
    perform public.initialize_user_wallet(p_user_id, p_default_amount, 'welcome gift');
    return public.claim_daily_bonus(p_user_id, p_bonus_amount);
end
$$;

-- Takes tokens if the wallet holds them. With a reference it is done once, and the charge stays
-- open until it is settled or refunded.
create function public.deduct_tokens(
    p_user_id uuid,
    p_amount integer,
    p_description text default null,
    p_reference_id uuid default null
) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
declare
    v_balance integer;
begin
    if p_amount is null or p_amount <= 0 then
        raise exception 'p_amount must be positive' using errcode = '22023';
    end if;
    select balance into v_balance from public.user_tokens where user_id = p_user_id for update;
    if not found then
        return jsonb_build_object('success', false, 'error', 'USER_NOT_FOUND',
            'current_balance', 0, 'required', p_amount);
    end if;
    if p_reference_id is not null and exists (
        select from public.token_transactions
        where type = 'usage' and reference_id = p_reference_id::text
    ) then
        return jsonb_build_object('success', false, 'error', 'DUPLICATE_TRANSACTION',
            'current_balance', v_balance, 'required', p_amount);
    end if;
    if v_balance < p_amount then
        return jsonb_build_object('success', false, 'error', 'INSUFFICIENT_TOKENS',
            'current_balance', v_balance, 'required', p_amount);
    end if;
    update public.user_tokens set balance = balance - p_amount, updated_at = now()
        where user_id = p_user_id returning balance into v_balance;
    insert into public.token_transactions
            (user_id, amount, type, description, balance_after, reference_id, created_at)
        values (p_user_id, -p_amount, 'usage', p_description, v_balance, p_reference_id::text,
            clock_timestamp());
    if p_reference_id is not null then
        insert into public.open_charges (reference_id, user_id, amount)
            values (p_reference_id, p_user_id, p_amount);
    end if;
    return jsonb_build_object(
        'success', true, 'deducted', p_amount, 'current_balance', v_balance);
end
$$;

-- Closes a charge for good: the user has what was paid for.
create function public.settle_charge(p_user_id uuid, p_reference_id uuid) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
begin
    delete from public.open_charges
        where reference_id = p_reference_id and user_id = p_user_id;
    return jsonb_build_object('success', true, 'settled', found);
end
$$;

-- Gives tokens back. With a reference: what that charge took, if it is open, and so at most once.
-- Without one, as earlier releases call it, there is nothing to tell a second refund by.
create function public.refund_tokens(
    p_user_id uuid,
    p_amount integer,
    p_description text default null,
    p_reference_id uuid default null
) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
declare
    v_amount integer := p_amount;
    v_balance integer;
begin
    if p_amount is null or p_amount <= 0 then
        raise exception 'p_amount must be positive' using errcode = '22023';
    end if;
    select balance into v_balance from public.user_tokens where user_id = p_user_id for update;
    if not found then
        return jsonb_build_object('success', false, 'error', 'USER_NOT_FOUND',
            'current_balance', 0);
    end if;
    if p_reference_id is not null then
        delete from public.open_charges
            where reference_id = p_reference_id and user_id = p_user_id
            returning amount into v_amount;
        if not found then
            return jsonb_build_object('success', false, 'error', 'CHARGE_NOT_OPEN',
                'current_balance', v_balance);
        end if;
    end if;
    update public.user_tokens set balance = balance + v_amount, updated_at = now()
        where user_id = p_user_id returning balance into v_balance;
    insert into public.token_transactions
            (user_id, amount, type, description, balance_after, reference_id, created_at)
        values (p_user_id, v_amount, 'refund', p_description, v_balance, p_reference_id::text,
            clock_timestamp());
    return jsonb_build_object(
        'success', true, 'refunded', v_amount, 'current_balance', v_balance);
end
$$;

-- Gives back what processes that died left open. One caller at a time; the others find nothing.
create function public.refund_abandoned_charges(
    p_older_than_seconds integer,
    p_limit integer default 100
) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
declare
    v_charge record;
    v_refunded integer := 0;
begin
    if p_older_than_seconds is null or p_older_than_seconds < 0 then
        raise exception 'p_older_than_seconds must not be negative' using errcode = '22023';
    end if;
    if not pg_try_advisory_xact_lock(hashtextextended('tester.refund_abandoned_charges', 0)) then
        return jsonb_build_object('success', true, 'refunded', 0);
    end if;
    for v_charge in
        select reference_id, user_id, amount from public.open_charges
        where created_at <= now() - make_interval(secs => p_older_than_seconds)
        order by created_at limit p_limit
    loop
        if (public.refund_tokens(v_charge.user_id, v_charge.amount,
                'the service stopped before the generation was completed', v_charge.reference_id)
            ->> 'success')::boolean
        then
            v_refunded := v_refunded + 1;
        end if;
    end loop;
    return jsonb_build_object('success', true, 'refunded', v_refunded);
end
$$;

-- Adds tokens of any kind, such as a purchase: once a reference.
create function public.add_tokens(
    p_user_id uuid,
    p_amount integer,
    p_type text,
    p_description text default null,
    p_reference_id text default null
) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
declare
    v_balance integer;
begin
    if p_amount is null or p_amount <= 0 then
        raise exception 'p_amount must be positive' using errcode = '22023';
    end if;
    if p_reference_id is not null then
        -- Two wallets may be given the same reference at the same time.
        perform pg_advisory_xact_lock(hashtextextended(p_reference_id, 0));
    end if;
    select balance into v_balance from public.user_tokens where user_id = p_user_id for update;
    if not found then
        return jsonb_build_object('success', false, 'error', 'USER_NOT_FOUND',
            'current_balance', 0);
    end if;
    if p_reference_id is not null and exists (
        select from public.token_transactions where reference_id = p_reference_id
    ) then
        return jsonb_build_object('success', false, 'error', 'DUPLICATE_TRANSACTION',
            'current_balance', v_balance);
    end if;
    update public.user_tokens set balance = balance + p_amount, updated_at = now()
        where user_id = p_user_id returning balance into v_balance;
    insert into public.token_transactions
            (user_id, amount, type, description, balance_after, reference_id, created_at)
        values (p_user_id, p_amount, p_type, p_description, v_balance, p_reference_id,
            clock_timestamp());
    return jsonb_build_object('success', true, 'added', p_amount, 'current_balance', v_balance);
end
$$;

-- The newest migration that is applied, by the number in its file's name. The service asks in its
-- health and in `tester check-env --online`.
create function public.tester_schema_version() returns bigint
language sql immutable security invoker set search_path = ''
as 'select 20261124000300';

-- --- Who may call them ----------------------------------------------------------------------

-- Supabase grants new functions to everybody by default, by name as well as through `public`.
do $$
declare
    v_function regprocedure;
begin
    for v_function in
        select p.oid::regprocedure
        from pg_catalog.pg_proc as p
        where p.pronamespace = 'public'::regnamespace
          and p.proname in (
              'initialize_user_wallet', 'claim_daily_bonus', 'open_user_wallet', 'deduct_tokens',
              'refund_tokens', 'add_tokens', 'settle_charge', 'refund_abandoned_charges',
              'tester_schema_version'
          )
    loop
        execute format('revoke all on function %s from public, anon, authenticated', v_function);
        execute format('grant execute on function %s to service_role', v_function);
    end loop;
end
$$;

-- PostgREST learns of new functions at once.
notify pgrst, 'reload schema';
