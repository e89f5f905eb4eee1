-- What was counted before it came here, and is in nobody's journal: the most that anyone has read of it counts, so that
-- it may be said by all and again and again. Who says what is known already has added it to what it had heard of the
-- others, in which it was, so all are told anew. Arguments: how many; of each the limit, its part, begin and end of the
-- bucket, used.
for _ = 1, tonumber(arg()) do
  local limit, part, start, till, used = arg(), tonumber(arg()), tonumber(arg()), tonumber(arg()), arg()
  local key = prefix .. 'limit:' .. limit
  local known = redis.call('HGET', key, 'u' .. text(start) .. ':') or '0'
  if tonumber(used) > tonumber(known) then
    add(key, part, start, till, '', text(tonumber(used) - tonumber(known)), '0')
  end
  touch(limit)
end
return 1
