-- One user's actions of one kind: a sorted set of the times at which they were accepted, in µs of
-- this server's clock.
--
-- KEYS[1] the set; ARGV[1] most actions; ARGV[2] in a window of so many µs; ARGV[3] 'acquire' or
-- 'peek'. Gives the actions that count now, and after how many µs one is allowed again, -1 when one
-- is (or was).

local log, most, window = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
-- Below 2^53, so exact; but Lua would write it with 14 digits.
local now = time[1] * 1000000 + time[2]
local function text(number)
    return string.format('%.0f', number)
end

local left = text(now - window)
if ARGV[3] == 'acquire' then
    redis.call('ZREMRANGEBYSCORE', log, '-inf', left)
    -- A clock that was set back must lock nobody out.
    redis.call('ZREMRANGEBYSCORE', log, text(now + 1000000), '+inf')
end

local gone = redis.call('ZCOUNT', log, '-inf', left)
local used = redis.call('ZCARD', log) - gone
if used >= most then
    -- The next action is allowed once all but `most - 1` have left the window.
    local rank = gone + used - most
    local leaving = redis.call('ZRANGE', log, rank, rank, 'WITHSCORES')
    return { used, leaving[2] + window - now }
end

if ARGV[3] == 'acquire' then
    -- Two actions of one µs are two members.
    local last = redis.call('ZRANGE', log, -1, -1, 'WITHSCORES')
    local at = math.max(now, (last[2] or 0) + 1)
    redis.call('ZADD', log, text(at), text(at))
    redis.call('PEXPIRE', log, text(math.ceil(window / 1000) + 1))
    used = used + 1
end
return { used, -1 }
