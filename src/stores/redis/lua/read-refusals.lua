-- The last refusals of one key, or of the keys that a request was refused with. The reply is
-- bounded, whatever lies there: what is too long is none of ours, and is left out.
--
-- KEYS[1]  hash, key id → its lines   KEYS[2]  sorted set for finding by an id of the request
-- ARGV[1]  bytes of a key's lines at most
-- ARGV[2]  a key id, or ''            ARGV[3]  a request id or trace id, or ''
-- ARGV[4]  keys of a request at most
--
-- Returns {key id, lines, key id, lines, …}.
local bytes_max = tonumber(ARGV[1])
local answer, seen = {}, {}

local function tell(key_id)
  if seen[key_id] or redis.call('TYPE', KEYS[1]).ok ~= 'hash' then return end
  seen[key_id] = true
  local length = redis.call('HSTRLEN', KEYS[1], key_id)
  if length == 0 or length > bytes_max then return end
  answer[#answer + 1] = key_id
  answer[#answer + 1] = redis.call('HGET', KEYS[1], key_id)
end

if ARGV[2] ~= '' then tell(ARGV[2]) end
if ARGV[3] ~= '' and redis.call('TYPE', KEYS[2]).ok == 'zset' then
  -- '!' is the character after the blank.
  local from, to = '[' .. ARGV[3] .. ' ', '(' .. ARGV[3] .. '!'
  for _, member in ipairs(redis.call('ZRANGEBYLEX', KEYS[2], from, to, 'LIMIT', 0, ARGV[4])) do
    if #member <= 512 then tell(string.match(member, '^%S+ (%S+)') or '') end
  end
end
return answer
