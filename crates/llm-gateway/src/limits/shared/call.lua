-- What happened in a replica, and what it asks for. Arguments: replica, session, after how many milliseconds a replica
-- that is not heard is given up; how many changes, of each the limit, its
-- part, the begin and end of the bucket, used, reserved; how many calls ask, of each how many limits, of each the limit,
-- its part, the begin and end of its period, what is needed, the limit's amount.
--
-- Says the time, how many replicas are alive, and for each call { 1, of each limit begin and end of the bucket and what others have used and reserved
-- in it } where every limit has room, and all was taken; else { 0, { which limit, all its fields }, … } for those that have not, and nothing was taken.
local me, session, lease = arg(), arg(), tonumber(arg())
if not is_mine(me, session) then
  return {}
end
for _ = 1, tonumber(arg()) do
  local limit, part, start, till, used = arg(), tonumber(arg()), tonumber(arg()), tonumber(arg()), arg()
  add(prefix .. 'limit:' .. limit, part, start, till, me, used, arg())
  touch(limit)
end
local answers = { text(now), redis.call('ZCOUNT', ALIVE, '(' .. text(now - lease), '+inf') }
for _ = 1, tonumber(arg()) do
  local wanted, granted, refused = {}, { 1 }, { 0 }
  for place = 1, tonumber(arg()) do
    local limit, part, start, till, need = arg(), tonumber(arg()), tonumber(arg()), tonumber(arg()), arg()
    local amount = arg()
    local key = prefix .. 'limit:' .. limit
    start, till = advance(key, part, start, till)
    local held = redis.call('HMGET', key, 'u', 'r')
    local sum = tonumber(held[1] or '0') + tonumber(held[2] or '0')
    if need ~= '0' and sum + tonumber(need) > tonumber(amount) then
      refused[#refused + 1] = { place - 1, redis.call('HGETALL', key) }
    end
    wanted[place] = { limit, key, text(start), need }
    local bucket = text(start)
    local own = ':' .. me
    local is = redis.call('HMGET', key, 'u' .. bucket, 'u' .. bucket .. own, 'r' .. bucket, 'r' .. bucket .. own)
    granted[#granted + 1] = bucket
    granted[#granted + 1] = text(till)
    granted[#granted + 1] = text(tonumber(is[1] or '0') - tonumber(is[2] or '0'))
    granted[#granted + 1] = text(tonumber(is[3] or '0') - tonumber(is[4] or '0'))
  end
  if #refused == 1 then
    for _, want in ipairs(wanted) do
      put(want[2], me, 'r', want[3], want[4])
      touch(want[1])
    end
    answers[#answers + 1] = granted
  else
    answers[#answers + 1] = refused
  end
end
return answers
