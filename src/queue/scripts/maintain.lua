-- ARGV: worker, whether it may rescue (1 or 0)
-- Puts jobs that are due into the list, to be taken next. Answers {ms until the next is due or -1, 1 when the worker's
-- own heartbeat is there, worker, {envelopes}, …} of workers whose heartbeat is gone.
work_when_full()
local time = now()
local due = redis.call('ZRANGEBYSCORE', delayed, '-inf', time, 'LIMIT', 0, 500)
-- the one that was due first ends where it is taken first
for at = #due, 1, -1 do
    redis.call('ZREM', delayed, due[at])
    redis.call('RPUSH', wait, due[at])
end
local next = redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')
-- without our own heartbeat the server was away, or its clock has jumped: others may be as well as we are
local own = redis.call('EXISTS', heart_of(ARGV[1]))
local answer = { next[2] and math.max(0, next[2] - time) or -1, own }
if own == 0 or ARGV[2] ~= '1' then
    return answer
end
-- a clock that was put back leaves heartbeats in the future
local silent = redis.call('ZRANGEBYSCORE', workers, '-inf', time - LIFE)
for _, worker in ipairs(redis.call('ZRANGEBYSCORE', workers, time + LIFE, '+inf')) do
    silent[#silent + 1] = worker
end
for _, worker in ipairs(silent) do
    if redis.call('EXISTS', heart_of(worker)) == 0 then
        local held = redis.call('LRANGE', proc_of(worker), 0, -1)
        if #held > 0 then
            answer[#answer + 1] = worker
            answer[#answer + 1] = held
        elseif math.abs(time - redis.call('ZSCORE', workers, worker)) > FORGOTTEN then
            -- not sooner: a server that hung may still obey its last BLMOVE
            redis.call('ZREM', workers, worker)
        end
    end
end
return answer
