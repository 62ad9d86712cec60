-- ARGV: tenant, id, envelope, delay in ms, high (1 or 0), worker and entry that the request stands in ('' for none)
-- Answers {id} of a new job, {id, envelope, 'wait' or 'delayed'} of the one that waits already, or {} when the entry is
-- not in the worker's hands any more.
local tenant, id, text, worker, entry = ARGV[1], ARGV[2], ARGV[3], ARGV[6], ARGV[7]
if entry ~= '' then
    work_when_full()
    if not redis.call('LPOS', proc_of(worker), entry) then
        return {}
    end
end
local known = redis.call('GET', uniq_of(tenant))
if known then
    local waiting = redis.call('GET', waiting_of(tenant))
    if waiting and redis.call('LPOS', wait, waiting) then
        return { known, waiting, 'wait' }
    elseif waiting and redis.call('ZSCORE', delayed, waiting) then
        return { known, waiting, 'delayed' }
    end
    -- somebody emptied the list by hand: the job is no more
end
redis.call('SET', uniq_of(tenant), id)
redis.call('SET', waiting_of(tenant), text)
put(text, tonumber(ARGV[4]), ARGV[5] == '1')
if entry ~= '' then
    redis.call('LREM', proc_of(worker), 1, entry)
end
return { id }
