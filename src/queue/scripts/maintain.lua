-- ARGV: life of a worker in ms
-- Puts jobs that are due back into the list. Answers {ms until the next is due or -1, worker, {envelopes}, …}
-- of workers whose heartbeat is gone.
work_when_full()
local time, life = now(), tonumber(ARGV[1])
local due = redis.call('ZRANGEBYSCORE', delayed, '-inf', time, 'LIMIT', 0, 500)
for _, text in ipairs(due) do
    redis.call('ZREM', delayed, text)
    redis.call('LPUSH', wait, text)
end
local next = redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')
local answer = { next[2] and math.max(0, next[2] - time) or -1 }
-- a clock that was put back leaves heartbeats in the future
local silent = redis.call('ZRANGEBYSCORE', base .. 'workers', '-inf', time - life)
for _, worker in ipairs(redis.call('ZRANGEBYSCORE', base .. 'workers', time + life, '+inf')) do
    silent[#silent + 1] = worker
end
for _, worker in ipairs(silent) do
    if redis.call('EXISTS', base .. 'hb:' .. worker) == 0 then
        local held = redis.call('LRANGE', base .. 'proc:' .. worker, 0, -1)
        if #held == 0 then
            redis.call('ZREM', base .. 'workers', worker)
        else
            answer[#answer + 1] = worker
            answer[#answer + 1] = held
        end
    end
end
return answer
