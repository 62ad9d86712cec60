-- ARGV: tenant, id, envelope, delay in ms, high (1 or 0)
-- Answers {id} of a new job, or {id, envelope, 'wait' or 'delayed'} of the one that waits already.
local tenant, id, text = ARGV[1], ARGV[2], ARGV[3]
local known = redis.call('GET', base .. 'uniq:' .. tenant)
if known then
    local waiting = redis.call('GET', base .. 'waiting:' .. tenant)
    if waiting and redis.call('LPOS', wait, waiting) then
        return { known, waiting, 'wait' }
    elseif waiting and redis.call('ZSCORE', delayed, waiting) then
        return { known, waiting, 'delayed' }
    end
    -- somebody emptied the list by hand: the job is no more
end
redis.call('SET', base .. 'uniq:' .. tenant, id)
redis.call('SET', base .. 'waiting:' .. tenant, text)
put(text, tonumber(ARGV[4]), ARGV[5] == '1')
return { id }
