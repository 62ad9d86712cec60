-- ARGV: tenant, id, old envelope, new envelope, where to (keep, wait or next)
-- Changes a job that waits; 0 when it waits no longer.
local tenant, id, old, new, to = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local place = redis.call('LPOS', wait, old)
local due = not place and redis.call('ZSCORE', delayed, old)
if not place and not due then
    return 0
end
if place and to ~= 'next' then
    redis.call('LSET', wait, place, new)
elseif due and to == 'keep' then
    redis.call('ZREM', delayed, old)
    redis.call('ZADD', delayed, due, new)
else
    redis.call('LREM', wait, 1, old)
    redis.call('ZREM', delayed, old)
    put(new, 0, to == 'next')
end
redis.call('SET', base .. 'uniq:' .. tenant, id)
redis.call('SET', base .. 'waiting:' .. tenant, new)
return 1
