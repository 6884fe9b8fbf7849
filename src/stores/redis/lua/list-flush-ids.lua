-- Ids of some of the waiting usage flushes. The reply is bounded, whatever lies there: a key of
-- another type and names that are far too long are no flushes, and are removed.
--
-- KEYS[1]  the hash of flushes
-- ARGV[1]  how many ids at most
-- ARGV[2]  the longest name that is listed, in bytes
-- ARGV[3]  how many bytes of names at most
--
-- Returns the ids.
if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then
  redis.call('UNLINK', KEYS[1])
  return {}
end
local name_max, left = tonumber(ARGV[2]), tonumber(ARGV[3])
local ids = {}
for _, name in ipairs(redis.call('HRANDFIELD', KEYS[1], ARGV[1])) do
  if #name > name_max then
    redis.call('HDEL', KEYS[1], name)
  elseif left > 0 then
    left = left - #name
    ids[#ids + 1] = name
  end
end
return ids
