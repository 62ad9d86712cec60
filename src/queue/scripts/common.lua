-- What all scripts share. KEYS[1] is the queue's prefix, whose hash tag keeps every key in one slot.
local base = KEYS[1]
local wait, delayed, dead, recent, stats =
    base .. 'wait', base .. 'delayed', base .. 'dead', base .. 'recent', base .. 'stats'

-- Milliseconds by the server's clock: those of workers may differ.
local function now()
    local time = redis.call('TIME')
    return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- A full server refuses scripts that begin with a write which needs memory. Taking jobs off it is what makes
-- room, so those scripts begin with a write that needs none.
local function work_when_full()
    redis.call('DEL', base .. 'none')
end

-- Capped lists: the newest first.
local function push_capped(key, text, most)
    redis.call('LPUSH', key, text)
    redis.call('LTRIM', key, 0, most - 1)
end

-- Makes a job that waits the one that further requests for its tenant are duplicates of, unless there is one.
local function note_waiting(tenant, id, text)
    if redis.call('SET', base .. 'uniq:' .. tenant, id, 'NX') then
        redis.call('SET', base .. 'waiting:' .. tenant, text)
    end
end

-- The job that waits for a tenant is claimed, dropped or buried.
local function forget_waiting(tenant, id)
    if redis.call('GET', base .. 'uniq:' .. tenant) == id then
        redis.call('DEL', base .. 'uniq:' .. tenant, base .. 'waiting:' .. tenant)
    end
end

-- Puts a job where it waits: high priority is taken next.
local function put(text, delay, high)
    if delay > 0 then
        redis.call('ZADD', delayed, now() + delay, text)
    elseif high then
        redis.call('RPUSH', wait, text)
    else
        redis.call('LPUSH', wait, text)
    end
end

-- Takes a job out of a worker's hands; false when it is not in them any more.
-- op: done, retry, later (not counted), back (taken next), dead, drop (one more of its tenant), adopted
local function settle(worker, op, text, id, tenant, new, delay, line, most_dead, most_recent)
    if redis.call('LREM', base .. 'proc:' .. worker, 1, text) == 0 then
        return false
    end
    if id ~= '' and redis.call('GET', base .. 'active:' .. tenant) == id then
        redis.call('DEL', base .. 'active:' .. tenant)
    end
    if op == 'done' then
        redis.call('HINCRBY', stats, 'completed', 1)
    elseif op == 'dead' then
        push_capped(dead, new, most_dead)
        redis.call('HINCRBY', stats, 'failed', 1)
    elseif op == 'drop' then
        redis.call('HINCRBY', stats, 'duplicates', 1)
    elseif op ~= 'adopted' then
        put(new, delay, true)
        if id ~= '' then
            note_waiting(tenant, id, new)
        end
        if op == 'retry' then
            redis.call('HINCRBY', stats, 'retried', 1)
        end
    end
    if line ~= '' then
        push_capped(recent, line, most_recent)
    end
    return true
end
