-- A replica has said all that it holds, and asks whether the counters may be trusted: when they were seeded, and every
-- replica that lives has said what it holds and is there to be heard. Arguments: replica, session, after how many
-- milliseconds a replica is given up, within how many one that is there is heard, and where the counters were not seeded
-- before, the replicas that must be in. Says whether they may.
local me, session, lease, fresh = arg(), arg(), tonumber(arg()), tonumber(arg())
if not is_mine(me, session) then
  return 0
end
redis.call('SADD', SYNCED, me)
local live = redis.call('ZRANGEBYSCORE', ALIVE, '(' .. text(now - lease), '+inf', 'WITHSCORES')
for i = 1, #live, 2 do
  local is_heard = tonumber(live[i + 1]) >= now - fresh
  if live[i] ~= me and not (is_heard and redis.call('SISMEMBER', SYNCED, live[i]) == 1) then
    return 0
  end
end
for _ = 5, #ARGV do
  if redis.call('SISMEMBER', SYNCED, arg()) == 0 then
    return 0
  end
end
redis.call('SET', prefix .. 'ready', 1)
return 1
