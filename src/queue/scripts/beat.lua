-- ARGV: worker, its life in ms, how long a tenant stays marked in ms, then tenant and id of each job in hand
-- Answers what stands in the worker's list.
work_when_full()
local worker = ARGV[1]
redis.call('SET', base .. 'hb:' .. worker, '1', 'PX', ARGV[2])
redis.call('ZADD', base .. 'workers', now(), worker)
for i = 4, #ARGV, 2 do
    local active = base .. 'active:' .. ARGV[i]
    local holder = redis.call('GET', active)
    -- the mark may have run out while the server could not be reached
    if not holder or holder == ARGV[i + 1] then
        redis.call('SET', active, ARGV[i + 1], 'PX', ARGV[3])
    end
end
return redis.call('LRANGE', base .. 'proc:' .. worker, 0, -1)
