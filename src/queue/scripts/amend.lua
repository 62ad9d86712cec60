-- ARGV: tenant, id, old envelope, new envelope, where to (keep, wait or next), delay in ms that is enough or -1
-- Changes a job that waits; 0 when it waits no longer.
work_when_full()
local tenant, id, old, new, to, enough = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6])
local place = redis.call('LPOS', wait, old)
local due = not place and redis.call('ZSCORE', delayed, old)
if not place and not due then
    return 0
end
if place and to ~= 'next' then
    redis.call('LSET', wait, place, new)
elseif due and to == 'keep' then
    due = tonumber(due)
    if enough >= 0 then
        due = math.min(due, now() + enough)
    end
    redis.call('ZREM', delayed, old)
    redis.call('ZADD', delayed, due, new)
else
    redis.call('LREM', wait, 1, old)
    redis.call('ZREM', delayed, old)
    put(new, 0, to == 'next')
end
redis.call('SET', uniq_of(tenant), id)
redis.call('SET', waiting_of(tenant), new)
return 1
