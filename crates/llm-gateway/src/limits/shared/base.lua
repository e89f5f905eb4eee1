-- What every script begins with.
--
-- KEYS[1] begins every name. All names carry the same hash tag, so that they stand in one slot of a cluster.
--
--   epoch      the run of the server for which it was seeded
--   ready      there once everything is in that must be, so that the counters may be trusted
--   sessions   by replica: the session it speaks in; `going` and `gone` for one that was given up
--   synced     the replicas whose own counters are in
--   alive      the replicas, by when they were last heard
--   version    counts the changes of limits
--   changed    the limits, by the version that changed them last
--   clock      the latest time that was seen
--   limit:*    a limit: `u` and `r` are what its window holds, used and reserved; `h`, `t` and `e` the begins of its
--              newest and oldest bucket and the end of the newest; `u123` and `r123` what the bucket holds that began
--              at 123, and `u123:abc` and `r123:abc` what of that is the replica abc's
--
-- Amounts are texts: they are 64 bits wide, and numbers of Lua are not. Sums are compared as numbers.

local prefix = KEYS[1]
local SESSIONS, SYNCED, ALIVE, CHANGED = prefix .. 'sessions', prefix .. 'synced', prefix .. 'alive', prefix .. 'changed'

local function text(number)
  return string.format('%.0f', number)
end

-- The server's time in milliseconds. Where its clock goes back, time stands still.
local function clock()
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  local last = tonumber(redis.call('GET', prefix .. 'clock') or '0')
  if now <= last then
    return last
  end
  redis.call('SET', prefix .. 'clock', text(now))
  return now
end

local now = clock()

local at = 0
local function arg()
  at = at + 1
  return ARGV[at]
end

local function negative(amount)
  if amount == '0' then
    return amount
  elseif amount:sub(1, 1) == '-' then
    return amount:sub(2)
  end
  return '-' .. amount
end

local function is_mine(me, session)
  return redis.call('HGET', SESSIONS, me) == session
end

-- No two have the same version: who asks for some at a time goes on behind the version that was told last.
local function touch(limit)
  redis.call('ZADD', CHANGED, redis.call('INCR', prefix .. 'version'), limit)
end

-- Adds to a bucket, for a replica. `kind` is `u` or `r`.
local function put(key, replica, kind, bucket, amount)
  if amount ~= '0' then
    redis.call('HINCRBY', key, kind, amount)
    redis.call('HINCRBY', key, kind .. bucket, amount)
    redis.call('HINCRBY', key, kind .. bucket .. ':' .. replica, amount)
  end
end

-- Lets go of a bucket that no longer counts.
local function drop(key, bucket, replicas)
  local fields = {}
  for _, kind in ipairs({ 'u', 'r' }) do
    local amount = redis.call('HGET', key, kind .. bucket)
    if amount then
      redis.call('HINCRBY', key, kind, negative(amount))
      fields[#fields + 1] = kind .. bucket
      for _, replica in ipairs(replicas) do
        fields[#fields + 1] = kind .. bucket .. ':' .. replica
      end
    end
  end
  if #fields > 0 then
    redis.call('HDEL', key, unpack(fields))
  end
end

-- Moves a limit's window on to now, and gives the begin and the end of the bucket that counts now. `part` is the length
-- of a sliding window's bucket, of which 61 count; else it is 0, and `start` and `till` are those of the period that the
-- caller is in. A caller that is behind finds the window where it is. `till` is 0 where the window never ends.
local function advance(key, part, start, till)
  local is = redis.call('HMGET', key, 'h', 't', 'e')
  local head = tonumber(is[1] or '-1')
  if part == 0 then
    if start < head then
      return head, tonumber(is[3])
    elseif start > head then
      redis.call('DEL', key)
      redis.call('HSET', key, 'h', text(start), 'e', text(till))
    end
  else
    start = math.max(math.floor(now / part) * part, head)
    till = start + part * 61
    if start > head then
      local oldest = start - part * 60
      if head < oldest then
        redis.call('DEL', key)
        redis.call('HSET', key, 'h', text(start), 't', text(start))
      else
        local tail = tonumber(is[2])
        local replicas = tail < oldest and redis.call('ZRANGE', ALIVE, 0, -1)
        while tail < oldest do
          drop(key, text(tail), replicas)
          tail = tail + part
        end
        redis.call('HSET', key, 'h', text(start), 't', text(tail))
      end
    end
  end
  if till > 0 then
    redis.call('PEXPIRE', key, text(till - now + 60000))
  end
  return start, till
end

-- Adds to the bucket that began at `start`, for a replica; of no effect where that no longer counts. A period that is over
-- is left alone: what is written of it would be written behind the end of the key's time, and stay for ever.
local function add(key, part, start, till, replica, used, reserved)
  if part == 0 and till > 0 and till <= now then
    return
  end
  local head = advance(key, part, start, till)
  if part == 0 then
    if start ~= head then
      return
    end
  else
    start = math.min(start, head)
    if start < head - part * 60 then
      return
    elseif start < tonumber(redis.call('HGET', key, 't')) then
      redis.call('HSET', key, 't', text(start))
    end
  end
  put(key, replica, 'u', text(start), used)
  put(key, replica, 'r', text(start), reserved)
end
