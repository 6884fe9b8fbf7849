-- The waiting usage flushes under some ids. The reply is bounded, whatever lies there: a value that
-- is far too long is no flush, and is removed.
--
-- KEYS[1]  the hash of flushes
-- ARGV[1]  the longest value that is read, in bytes
-- ARGV[2…] the ids
--
-- Returns a value for each id, nil where there is none.
local texts = {}
for place = 2, #ARGV do
  if redis.call('HSTRLEN', KEYS[1], ARGV[place]) > tonumber(ARGV[1]) then
    redis.call('HDEL', KEYS[1], ARGV[place])
  end
  texts[place - 1] = redis.call('HGET', KEYS[1], ARGV[place])
end
return texts
