-- Answers how many jobs wait, are delayed or in hands, at one moment.
local jobs = redis.call('LLEN', wait) + redis.call('ZCARD', delayed)
for _, worker in ipairs(redis.call('ZRANGE', workers, 0, -1)) do
    jobs = jobs + redis.call('LLEN', proc_of(worker))
end
return jobs
