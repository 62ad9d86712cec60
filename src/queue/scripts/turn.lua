-- ARGV: worker, jobs wanted, what BLMOVE gave or '', then 7 for each settled (see `settle`)
-- Settles what is done, then takes what is wanted: first what was given, then from the list.
-- Answers {paused, jobs that wait for their tenant, {ids settled too late}, {taken}}; each taken is 'run' or 'foreign',
-- the envelope, and its id and tenant where it runs.
-- to settle begins with a write that needs no memory
if #ARGV < 4 then
    work_when_full()
end
local worker, wanted, given = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local proc = proc_of(worker)

local late = {}
for at = 4, #ARGV, 7 do
    if not settle(worker, ARGV, at) then
        late[#late + 1] = ARGV[at + 2]
    end
end

write_down()

local paused = redis.call('EXISTS', base .. 'paused')
local taken, put_off = {}, 0

-- A job in our list begins, unless its tenant has one that runs: then it waits for that a while.
local function begin(text, again)
    local id, tenant = readable(text)
    if id then
        local active = redis.call('GET', active_of(tenant))
        if active and active ~= retry_mark(id) and not (again and active == mark(worker, id)) then
            local pause = PAUSE
            if string.sub(active, 1, 6) == 'retry ' then
                pause = math.max(1, redis.call('PTTL', active_of(tenant)))
            end
            redis.call('LREM', proc, 1, text)
            put(text, pause, false)
            put_off = put_off + 1
            return false
        end
        redis.call('SET', active_of(tenant), mark(worker, id), 'PX', MARKED)
        forget_waiting(tenant, id)
    end
    taken[#taken + 1] = id and 'run' or 'foreign'
    taken[#taken + 1] = text
    taken[#taken + 1] = id or ''
    taken[#taken + 1] = tenant or ''
    return true
end

if given ~= '' and redis.call('LPOS', proc, given) then
    if paused == 1 or wanted == 0 then
        redis.call('LREM', proc, 1, given)
        redis.call('RPUSH', wait, given)
    elseif begin(given, true) then
        wanted = wanted - 1
    end
end
-- so many looks at most: a list full of jobs of busy tenants must not hold up the server
local looks = wanted + 100
while paused == 0 and wanted > 0 and looks > 0 do
    local text = redis.call('LMOVE', wait, proc, 'RIGHT', 'LEFT')
    if not text then
        break
    end
    if begin(text, false) then
        wanted = wanted - 1
    end
    looks = looks - 1
end
return { paused, put_off, late, taken }
