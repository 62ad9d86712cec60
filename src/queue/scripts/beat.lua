-- ARGV: worker, how many jobs are in hand, then tenant, id and envelope of each of those, and of each that is being
-- settled without an answer so far
-- Renews the heartbeat, and sees to it that what is in hand stands in the worker's list, also where the server has lost
-- it. Answers {1 when the heartbeat was there, {what stands in the list}}.
local worker, in_hand = ARGV[1], tonumber(ARGV[2])
local proc = proc_of(worker)
-- needs no memory, as in `work_when_full`
local was_there = redis.call('PEXPIRE', heart_of(worker), LIFE)
if was_there == 0 then
    redis.call('SET', heart_of(worker), '1', 'PX', LIFE)
end
-- what is being settled may be settled; only a server that has lost everything has lost that, too
local lost = redis.call('ZADD', workers, now(), worker) == 1
local last = lost and #ARGV or 2 + 3 * in_hand
for at = 3, last, 3 do
    local active, own = active_of(ARGV[at]), mark(worker, ARGV[at + 1])
    local holder = redis.call('GET', active)
    -- without a mark nobody else has the job: the mark ran out, or the server has lost everything
    if not holder or holder == own then
        redis.call('SET', active, own, 'PX', MARKED)
        if not redis.call('LPOS', proc, ARGV[at + 2]) then
            redis.call('LPUSH', proc, ARGV[at + 2])
        end
    end
end
return { was_there, redis.call('LRANGE', proc, 0, -1) }
