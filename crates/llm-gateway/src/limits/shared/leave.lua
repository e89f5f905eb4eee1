-- A replica ends, and has said all that happened. Arguments: replica, session, after how many milliseconds a replica is
-- given up.
local me, session, lease = arg(), arg(), tonumber(arg())
if is_mine(me, session) then
  redis.call('ZADD', ALIVE, text(now - lease), me)
end
return 1
