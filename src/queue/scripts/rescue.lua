-- ARGV: worker, then 7 for the move (see `settle`)
-- Takes a job out of the hands of a worker that is gone; 0 when it is back, or the job is not in its hands.
work_when_full()
if redis.call('EXISTS', heart_of(ARGV[1])) == 1 or not settle(ARGV[1], ARGV, 2) then
    return 0
end
count('rescued')
write_down()
return 1
