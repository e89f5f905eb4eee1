-- A replica begins to speak: nothing of its earlier sessions is taken any more. Arguments: replica, session, the run of
-- the server. Says the time, and whether the counters were seeded: not those of a server that is empty, or that was started
-- anew and may have forgotten the last moments.
local me, session, run = arg(), arg(), arg()
if redis.call('GET', prefix .. 'epoch') ~= run then
  redis.call('DEL', SESSIONS, SYNCED, prefix .. 'ready')
  redis.call('SET', prefix .. 'epoch', run)
end
redis.call('HSET', SESSIONS, me, session)
redis.call('SREM', SYNCED, me)
redis.call('ZADD', ALIVE, text(now), me)
return { text(now), redis.call('EXISTS', prefix .. 'ready') }
