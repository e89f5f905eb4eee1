-- Says what a replica holds of some limits, in the place of what stood there for it. Arguments: replica, session, how
-- many limits; of each its name, part, how many buckets; of each bucket begin, end, used, reserved. The session is empty
-- where another speaks for a replica that was never heard in this epoch. Says whether that was taken.
local owner, session = arg(), arg()
if session == '' then
  if redis.call('HEXISTS', SESSIONS, owner) == 1 then
    return 0
  end
elseif not is_mine(owner, session) then
  return 0
end
local suffix = ':' .. owner
for _ = 1, tonumber(arg()) do
  local limit = arg()
  local key, part = prefix .. 'limit:' .. limit, tonumber(arg())
  local all, is_changed = redis.call('HGETALL', key), false
  for i = 1, #all, 2 do
    local field, amount = all[i], all[i + 1]
    if field:sub(-#suffix) == suffix then
      put(key, owner, field:sub(1, 1), field:sub(2, -#suffix - 1), negative(amount))
      redis.call('HDEL', key, field)
      is_changed = true
    end
  end
  for _ = 1, tonumber(arg()) do
    local start, till, used = tonumber(arg()), tonumber(arg()), arg()
    add(key, part, start, till, owner, used, arg())
    is_changed = true
  end
  if is_changed then
    touch(limit)
  end
end
return 1
