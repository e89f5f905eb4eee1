-- Gives up a replica that is not heard any more: what it had reserved counts as used, as its journal will say, and its
-- places under limits on concurrency are free. Done twice it is done once, and a replica that comes back begins a new
-- session and says what it truly holds. Arguments: replica, after how many milliseconds it is given up, the version from
-- which to go on, the most limits. Says the version to go on from; empty when all is done, or the replica lives.
local owner, lease, since, most = arg(), tonumber(arg()), arg(), arg()
local heard = redis.call('ZSCORE', ALIVE, owner)
if not heard or tonumber(heard) > now - lease then
  return ''
end
local changed = redis.call('ZRANGEBYSCORE', CHANGED, '(' .. since, '+inf', 'WITHSCORES', 'LIMIT', 0, most)
if #changed == 0 then
  redis.call('HSET', SESSIONS, owner, 'gone')
  return ''
end
redis.call('HSET', SESSIONS, owner, 'going')
local suffix = ':' .. owner
for i = 1, #changed, 2 do
  local limit = changed[i]
  local key, is_changed = prefix .. 'limit:' .. limit, false
  local all = redis.call('HGETALL', key)
  for j = 1, #all, 2 do
    local field, amount = all[j], all[j + 1]
    if field:sub(1, 1) == 'r' and amount ~= '0' and field:sub(-#suffix) == suffix then
      local bucket = field:sub(2, -#suffix - 1)
      put(key, owner, 'r', bucket, negative(amount))
      if limit:sub(1, 12) ~= 'concurrency/' then
        put(key, owner, 'u', bucket, amount)
      end
      is_changed = true
    end
  end
  if is_changed then
    touch(limit)
  end
end
return changed[#changed]
