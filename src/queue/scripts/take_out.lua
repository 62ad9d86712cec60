-- ARGV: envelope, tenant, id, envelope to put back into the list or ''
-- Takes a job out of where it waits or lies dead; 0 when it is in none of these.
local text, tenant, id, again = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local found = redis.call('LREM', dead, 1, text)
if found == 0 then
    found = redis.call('LREM', wait, 1, text) + redis.call('ZREM', delayed, text)
    if found == 1 and tenant ~= '' then
        forget_waiting(tenant, id)
    end
end
if found == 1 and again ~= '' then
    redis.call('LPUSH', wait, again)
    note_waiting(tenant, id, again)
end
return found
