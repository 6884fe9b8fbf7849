-- Adds refusals to the last ones of their keys, and forgets what is too old or too much: keys whose
-- last refusal is the longest ago go first. Adding the same line again changes nothing. A key of
-- another type is not ours, and is removed.
--
-- KEYS[1]  hash, key id → its lines, the newest first: `<request id> <stamped refusal>`
-- KEYS[2]  sorted set, key ids by the time of their last refusal
-- KEYS[3]  sorted set for finding by request id, one member for each line:
--          `<request id> <key id> <first 8 characters of what is stamped>`
-- ARGV[1]  now in milliseconds        ARGV[2]  milliseconds after which all of a key is forgotten
-- ARGV[3]  lines of a key at most     ARGV[4]  lines in all at most
-- ARGV[5]  bytes of a key's lines at most
-- ARGV[6…] key id, line, key id, line, …; the oldest first
--
-- Returns how many lines there are.
local now, life_ms = tonumber(ARGV[1]), tonumber(ARGV[2])
local lines_of_key_max, lines_max, bytes_max = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])

for place, kind in ipairs({'hash', 'zset', 'zset'}) do
  local found = redis.call('TYPE', KEYS[place]).ok
  if found ~= kind and found ~= 'none' then redis.call('UNLINK', KEYS[place]) end
end

local function member_of(key_id, line)
  local request_id, start = string.match(line, '^(%S+) (%S%S%S%S%S%S%S%S)')
  return request_id and request_id .. ' ' .. key_id .. ' ' .. start
end

local function lines_of(key_id)
  local lines = {}
  if redis.call('HSTRLEN', KEYS[1], key_id) > bytes_max then return lines end
  local text = redis.call('HGET', KEYS[1], key_id)
  for line in string.gmatch(text or '', '[^\n]+') do lines[#lines + 1] = line end
  return lines
end

local function forget(key_id)
  for _, line in ipairs(lines_of(key_id)) do
    local member = member_of(key_id, line)
    if member then redis.call('ZREM', KEYS[3], member) end
  end
  redis.call('HDEL', KEYS[1], key_id)
  redis.call('ZREM', KEYS[2], key_id)
end

local function add(key_id, line)
  local lines = lines_of(key_id)
  for _, known in ipairs(lines) do
    if known == line then return end
  end
  table.insert(lines, 1, line)
  redis.call('ZADD', KEYS[3], 0, member_of(key_id, line))
  while #lines > lines_of_key_max do
    local member = member_of(key_id, table.remove(lines))
    if member then redis.call('ZREM', KEYS[3], member) end
  end
  redis.call('HSET', KEYS[1], key_id, table.concat(lines, '\n'))
  redis.call('ZADD', KEYS[2], now, key_id)
end

for _, key_id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now - life_ms, 'LIMIT', 0, 100)) do
  forget(key_id)
end
for place = 6, #ARGV, 2 do add(ARGV[place], ARGV[place + 1]) end
while redis.call('ZCARD', KEYS[3]) > lines_max do
  local oldest = redis.call('ZPOPMIN', KEYS[2])[1]
  if not oldest then
    redis.call('UNLINK', KEYS[1], KEYS[3])
    break
  end
  forget(oldest)
end
-- No more keys than lines, unless somebody else writes here as well.
if redis.call('HLEN', KEYS[1]) > lines_max then redis.call('UNLINK', KEYS[1], KEYS[2], KEYS[3]) end
for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, life_ms) end
return redis.call('ZCARD', KEYS[3])
