-- ARGV: worker
-- A worker says goodbye. What still stands in its list, though not in its hands, goes back.
work_when_full()
local worker = ARGV[1]
local held = redis.call('LRANGE', proc_of(worker), 0, -1)
redis.call('DEL', proc_of(worker), heart_of(worker))
redis.call('ZREM', workers, worker)
for _, text in ipairs(held) do
    redis.call('RPUSH', wait, text)
    local id, tenant = readable(text)
    if id then
        unmark(worker, tenant, id)
        note_waiting(tenant, id, text)
    end
end
return #held
