-- Adds refusals to the last ones of their keys, and forgets what is too old or too much: keys whose
-- last refusal is the longest ago go first. Adding the same line again changes nothing. A key of
-- another type is not ours, and is removed.
--
-- KEYS[1]  hash, key id → its lines, the newest first: `<ids of the request> <stamped refusal>`;
--          the ids are `<request id>` or `<request id>,<trace id>`
-- KEYS[2]  sorted set, key ids by the time of their last refusal
-- KEYS[3]  sorted set for finding by an id of the request, one member for each id of each line:
--          `<id> <key id> <first 8 characters of what is stamped>`
-- ARGV[1]  now in milliseconds        ARGV[2]  milliseconds after which all of a key is forgotten
-- ARGV[3]  lines of a key at most     ARGV[4]  ids of lines in all at most
-- ARGV[5]  bytes of a key's lines at most
-- ARGV[6…] key id, line, key id, line, …; the oldest first
--
-- Returns how many ids of lines there are.
local now, life_ms = tonumber(ARGV[1]), tonumber(ARGV[2])
local lines_of_key_max, ids_max, bytes_max = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])

for place, kind in ipairs({'hash', 'zset', 'zset'}) do
  local found = redis.call('TYPE', KEYS[place]).ok
  if found ~= kind and found ~= 'none' then redis.call('UNLINK', KEYS[place]) end
end

local function members_of(key_id, line)
  local ids, start = string.match(line, '^(%S+) (%S%S%S%S%S%S%S%S)')
  local members = {}
  for id in string.gmatch(ids or '', '[^,]+') do
    members[#members + 1] = id .. ' ' .. key_id .. ' ' .. start
  end
  return members
end

local function unlist(key_id, line)
  for _, member in ipairs(members_of(key_id, line)) do redis.call('ZREM', KEYS[3], member) end
end

local function lines_of(key_id)
  local lines = {}
  if redis.call('HSTRLEN', KEYS[1], key_id) > bytes_max then return lines end
  local text = redis.call('HGET', KEYS[1], key_id)
  for line in string.gmatch(text or '', '[^\n]+') do lines[#lines + 1] = line end
  return lines
end

local function forget(key_id)
  for _, line in ipairs(lines_of(key_id)) do unlist(key_id, line) end
  redis.call('HDEL', KEYS[1], key_id)
  redis.call('ZREM', KEYS[2], key_id)
end

local function add(key_id, line)
  local lines = lines_of(key_id)
  for _, known in ipairs(lines) do
    if known == line then return end
  end
  table.insert(lines, 1, line)
  for _, member in ipairs(members_of(key_id, line)) do redis.call('ZADD', KEYS[3], 0, member) end
  while #lines > lines_of_key_max do unlist(key_id, table.remove(lines)) end
  redis.call('HSET', KEYS[1], key_id, table.concat(lines, '\n'))
  redis.call('ZADD', KEYS[2], now, key_id)
end

for _, key_id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now - life_ms, 'LIMIT', 0, 100)) do
  forget(key_id)
end
for place = 6, #ARGV, 2 do add(ARGV[place], ARGV[place + 1]) end
while redis.call('ZCARD', KEYS[3]) > ids_max do
  local oldest = redis.call('ZPOPMIN', KEYS[2])[1]
  if not oldest then
    redis.call('UNLINK', KEYS[1], KEYS[3])
    break
  end
  forget(oldest)
end
-- No more keys than ids, unless somebody else writes here as well.
if redis.call('HLEN', KEYS[1]) > ids_max then redis.call('UNLINK', KEYS[1], KEYS[2], KEYS[3]) end
for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, life_ms) end
return redis.call('ZCARD', KEYS[3])
