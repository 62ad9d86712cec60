-- ARGV: worker, whether it may rescue (1 or 0)
-- Puts jobs that are due into the list, to be taken next. Answers {ms until the next is due or -1, 1 when the worker's
-- own heartbeat is there, worker, {envelopes}, …} of workers whose heartbeat is gone.
local time = now()
local first = redis.call('ZRANGE', delayed, 0, 100, 'WITHSCORES')
local due = 0
while first[2 * due + 2] and tonumber(first[2 * due + 2]) <= time do
    due = due + 1
end
-- the one that was due first ends where it is taken first; what comes first needs no memory, as in `work_when_full`
for at = due, 1, -1 do
    redis.call('ZREM', delayed, first[2 * at - 1])
    redis.call('RPUSH', wait, first[2 * at - 1])
end
local next = first[2 * due + 2]
-- without our own heartbeat the server was away, or its clock has jumped: others may be as well as we are
local own = redis.call('EXISTS', heart_of(ARGV[1]))
local answer = { next and math.max(0, next - time) or -1, own }
if own == 0 or ARGV[2] ~= '1' then
    return answer
end
local known = redis.call('ZRANGE', workers, 0, -1, 'WITHSCORES')
for at = 1, #known, 2 do
    -- a clock that was put back leaves heartbeats in the future
    local worker, silent = known[at], math.abs(time - known[at + 1])
    if silent > LIFE and redis.call('EXISTS', heart_of(worker)) == 0 then
        local held = redis.call('LRANGE', proc_of(worker), 0, -1)
        if #held > 0 then
            answer[#answer + 1] = worker
            answer[#answer + 1] = held
        elseif silent > FORGOTTEN then
            -- not sooner: a server that hung may still obey its last BLMOVE
            redis.call('ZREM', workers, worker)
        end
    end
end
return answer
