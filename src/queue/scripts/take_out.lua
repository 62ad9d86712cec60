-- ARGV: entry, tenant, id, entry to put into the list or ''
-- Takes a job out of where it waits or lies dead; 0 when it is in none of these. One that is to be tried again keeps its
-- tenant's other jobs away no longer.
local entry, tenant, id, again = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local found = redis.call('LREM', dead, 1, entry)
if found == 0 then
    found = redis.call('LREM', wait, 1, entry) + redis.call('ZREM', delayed, entry)
    if found == 1 then
        forget_waiting(tenant, id)
        if redis.call('GET', active_of(tenant)) == retry_mark(id) then
            redis.call('DEL', active_of(tenant))
        end
    end
end
if found == 1 and again ~= '' then
    redis.call('LPUSH', wait, again)
    local new_id, new_tenant = readable(again)
    if new_id then
        note_waiting(new_tenant, new_id, again)
    end
end
return found
