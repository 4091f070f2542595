-- What users had there. Ada has everything, Grace a wallet that was never used, Alan generations
-- from before there were wallets. The generations themselves are in texts.json.
insert into auth.users (id, email) values
    ('00000000-0000-4000-8000-00000000000a', 'ada@example.com'),
    ('00000000-0000-4000-8000-00000000000b', 'grace@example.com'),
    ('00000000-0000-4000-8000-00000000000c', 'alan@example.com');

insert into public.user_tokens (user_id, balance, last_daily_bonus_at, created_at, updated_at)
values
    ('00000000-0000-4000-8000-00000000000a', 240, '2025-03-02',
        '2025-03-01 09:00:00.123456+00', '2025-03-02 10:00:00+00'),
    ('00000000-0000-4000-8000-00000000000b', 50, null, '2025-03-01 09:00:00+00', null);

-- The same purchase came twice.
insert into public.token_transactions
    (user_id, amount, type, description, balance_after, reference_id, created_at)
values
    ('00000000-0000-4000-8000-00000000000a', 50, 'welcome', '환영합니다', 50, null,
        '2025-03-01 09:00:00.123456+00'),
    ('00000000-0000-4000-8000-00000000000a', 100, 'purchase', 'order', 150, 'order-1',
        '2025-03-01 09:05:00+00'),
    ('00000000-0000-4000-8000-00000000000a', 100, 'purchase', 'order', 250, 'order-1',
        '2025-03-01 09:05:00.5+00'),
    ('00000000-0000-4000-8000-00000000000a', -10, 'usage', null, 240, null,
        '2025-03-02 10:00:00+00'),
    ('00000000-0000-4000-8000-00000000000b', 50, 'welcome', null, 50, null, null);
