-- What all scripts share, behind the bounds that `scripts.rs` puts before it. KEYS[1] is the queue's prefix, whose hash
-- tag keeps every key in one slot.
local base = KEYS[1]
local wait, delayed, dead, recent, stats, workers =
    base .. 'wait', base .. 'delayed', base .. 'dead', base .. 'recent', base .. 'stats', base .. 'workers'

local function proc_of(worker) return base .. 'proc:' .. worker end
local function heart_of(worker) return base .. 'hb:' .. worker end
local function active_of(tenant) return base .. 'active:' .. tenant end
local function uniq_of(tenant) return base .. 'uniq:' .. tenant end
local function waiting_of(tenant) return base .. 'waiting:' .. tenant end

-- What marks a tenant as having a job that runs.
local function mark(worker, id) return worker .. ' ' .. id end
-- What keeps a tenant's other jobs away until one that failed is tried again.
local function retry_mark(id) return 'retry ' .. id end

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

-- Capped lists: the newest first. They are cut now and then, since every cut is a command.
local function push_capped(key, texts, most)
    if #texts > 0 and redis.call('LPUSH', key, unpack(texts)) >= most + most / 10 then
        redis.call('LTRIM', key, 0, most - 1)
    end
end

-- What all moves of a script count and tell, written once for all of them.
local counts, lines = {}, {}
local function count(name)
    counts[name] = (counts[name] or 0) + 1
end
local function write_down()
    for name, number in pairs(counts) do
        redis.call('HINCRBY', stats, name, number)
    end
    push_capped(recent, lines, MOST_RECENT)
end

-- Id and tenant of a job in the very form that this program writes; nil for everything else, which is put into that
-- form first. Read by a pattern, since parsing JSON took more time than all else that a job costs the server.
local function readable(text)
    if #text > LONGEST then
        return nil
    end
    local id, tenant = string.match(text, '^{"v":1,"id":"([%w-]+)","tenantId":"([%l%d.-]+)"[,}]')
    if not id or #id > 64
        -- a second one would be the one that counts
        or string.find(text, '"id"', 10, true) or string.find(text, '"tenantId"', #id + 20, true) then
        return nil
    end
    local guid = #tenant == 36 and string.match(tenant, '^%x+%-%x+%-%x+%-%x+%-%x+$')
    if guid or string.find(tenant, '.', 1, true) then
        return id, tenant
    end
end

-- Makes a job that waits the one that further requests for its tenant are duplicates of, unless there is one.
local function note_waiting(tenant, id, text)
    if redis.call('SET', uniq_of(tenant), id, 'NX') then
        redis.call('SET', waiting_of(tenant), text)
    end
end

-- The job that waits for a tenant is claimed, dropped or buried.
local function forget_waiting(tenant, id)
    if redis.call('GET', uniq_of(tenant)) == id then
        redis.call('DEL', uniq_of(tenant), waiting_of(tenant))
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

local function unmark(worker, tenant, id)
    if redis.call('GET', active_of(tenant)) == mark(worker, id) then
        redis.call('DEL', active_of(tenant))
    end
end

-- Takes a job out of a worker's hands; false when it is not in them any more. `write_down` must follow in the end.
-- `move` holds from `at` on:
--   op       done, retry, later (not counted), back (taken next), dead, or drop (its tenant has another one)
--   text, id, tenant
--   new      the envelope to put somewhere, for all but done and drop
--   delay    in ms
--   line     for the last outcomes, or ''
local function settle(worker, move, at)
    local op, text, id, tenant = move[at], move[at + 1], move[at + 2], move[at + 3]
    local new, delay, line = move[at + 4], tonumber(move[at + 5]), move[at + 6]
    local found = redis.call('LREM', proc_of(worker), 1, text) > 0
    unmark(worker, tenant, id)
    if not found then
        return false
    end
    if op == 'done' then
        count('completed')
    elseif op == 'dead' then
        push_capped(dead, { new }, MOST_DEAD)
        count('failed')
    elseif op == 'drop' then
        count('duplicates')
    else
        put(new, delay, true)
        if id ~= '' then
            note_waiting(tenant, id, new)
        end
        if op == 'retry' then
            count('retried')
            if delay > 0 then
                redis.call('SET', active_of(tenant), retry_mark(id), 'PX', delay)
            end
        end
    end
    if line ~= '' then
        lines[#lines + 1] = line
    end
    return true
end
