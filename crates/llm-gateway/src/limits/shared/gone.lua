-- All that SQL knows of a replica which was never heard in this epoch is in. Argument: replica.
local owner = arg()
if redis.call('HSETNX', SESSIONS, owner, 'gone') == 1 then
  redis.call('ZADD', ALIVE, 0, owner)
end
return 1
