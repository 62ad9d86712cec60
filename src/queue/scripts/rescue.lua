-- ARGV: worker, op, envelope, id, tenant, new envelope, delay in ms, line, most dead, most recent
-- Takes a job out of the hands of a worker that is gone; 0 when it is back, or the job is not in its hands.
work_when_full()
local worker = ARGV[1]
if redis.call('EXISTS', base .. 'hb:' .. worker) == 1 then
    return 0
end
if not settle(worker, ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], tonumber(ARGV[7]), ARGV[8], tonumber(ARGV[9]), tonumber(ARGV[10])) then
    return 0
end
redis.call('HINCRBY', stats, 'rescued', 1)
return 1
