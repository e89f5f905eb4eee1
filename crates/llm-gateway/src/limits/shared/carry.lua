-- What was counted before it came here, and is in nobody's journal: the most that anyone has read of it counts, so that
-- it may be said by all and again and again. Arguments: how many; of each the limit, its part, begin and end of the
-- bucket, used.
for _ = 1, tonumber(arg()) do
  local limit, part, start, till, used = arg(), tonumber(arg()), tonumber(arg()), tonumber(arg()), arg()
  local key = prefix .. 'limit:' .. limit
  local known = redis.call('HGET', key, 'u' .. text(start) .. ':') or '0'
  if tonumber(used) > tonumber(known) then
    add(key, part, start, till, '', text(tonumber(used) - tonumber(known)), '0')
    touch(limit)
  end
end
return 1
