-- ARGV: worker, jobs wanted, how long a tenant stays marked in ms, how long a job waits for its tenant in ms,
--       longest envelope, most dead, most recent, how many given, given…, then 7 for each settled:
--       op, envelope, id, tenant, new envelope, delay in ms, line
-- Settles what is done, then takes what is wanted: first what BLMOVE gave, then from the list.
-- Answers {paused, {ids settled too late}, jobs that wait for their tenant, {'run' or 'foreign', envelope, …}}.
work_when_full()
local worker, wanted, marked, pause = ARGV[1], tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])
local longest, most_dead, most_recent, given = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local proc = base .. 'proc:' .. worker

local late = {}
for i = 9 + given, #ARGV, 7 do
    local op, text, id, tenant = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
    if not settle(worker, op, text, id, tenant, ARGV[i + 4], tonumber(ARGV[i + 5]), ARGV[i + 6], most_dead, most_recent) then
        late[#late + 1] = id
    end
end

local paused = redis.call('EXISTS', base .. 'paused')
local taken, put_off = {}, 0

-- A job in our list begins, unless its tenant has one that runs: then it waits for that a while.
local function begin(text)
    local readable, job = false, nil
    if #text <= longest then
        readable, job = pcall(cjson.decode, text)
    end
    if not readable or type(job) ~= 'table' or job.v ~= 1
        or type(job.id) ~= 'string' or type(job.tenantId) ~= 'string' then
        taken[#taken + 1] = 'foreign'
        taken[#taken + 1] = text
        return true
    end
    local tenant = string.lower(job.tenantId)
    local active = redis.call('GET', base .. 'active:' .. tenant)
    if active and active ~= job.id then
        redis.call('LREM', proc, 1, text)
        put(text, pause, false)
        put_off = put_off + 1
        return false
    end
    redis.call('SET', base .. 'active:' .. tenant, job.id, 'PX', marked)
    forget_waiting(tenant, job.id)
    taken[#taken + 1] = 'run'
    taken[#taken + 1] = text
    return true
end

for i = 9, 8 + given do
    local text = ARGV[i]
    if redis.call('LPOS', proc, text) then
        if paused == 1 or wanted == 0 then
            redis.call('LREM', proc, 1, text)
            redis.call('RPUSH', wait, text)
        elseif begin(text) then
            wanted = wanted - 1
        end
    end
end
-- so many looks at most: a list full of jobs of busy tenants must not hold up the server
local looks = wanted + 100
while paused == 0 and wanted > 0 and looks > 0 do
    local text = redis.call('LMOVE', wait, proc, 'RIGHT', 'LEFT')
    if not text then
        break
    end
    if begin(text) then
        wanted = wanted - 1
    end
    looks = looks - 1
end
return { paused, late, put_off, taken }
