-- A replica is alive, and asks what changed. Arguments: replica, session, after how many milliseconds a replica that is
-- not heard is given up, the version that is known, the most limits to tell. Says the time, how many replicas are alive,
-- those to give up, and of each limit its name, version and fields.
local me, session, lease, since, most = arg(), arg(), tonumber(arg()), arg(), arg()
if not is_mine(me, session) then
  return {}
end
redis.call('ZADD', ALIVE, text(now), me)
local dead = {}
for _, replica in ipairs(redis.call('ZRANGEBYSCORE', ALIVE, '-inf', text(now - lease))) do
  if redis.call('HGET', SESSIONS, replica) ~= 'gone' then
    dead[#dead + 1] = replica
  end
end
local news = {}
local changed = redis.call('ZRANGEBYSCORE', CHANGED, '(' .. since, '+inf', 'WITHSCORES', 'LIMIT', 0, most)
for i = 1, #changed, 2 do
  local all = redis.call('HGETALL', prefix .. 'limit:' .. changed[i])
  if #all == 0 then
    redis.call('ZREM', CHANGED, changed[i])
  end
  news[#news + 1] = { changed[i], changed[i + 1], all }
end
local live = redis.call('ZCOUNT', ALIVE, '(' .. text(now - lease), '+inf')
return { text(now), live, dead, news }
