-- Spends a call's cost from a key's rate limit and quota, or from neither: a refusal spends nothing.
-- A window begins with the first call in it and ends by its key's expiry.
--
-- KEYS[1]  cost spent in the rate window      KEYS[2]  cost spent in the quota period
-- ARGV[1]  cost
-- ARGV[2]  rate limit, -1 for none            ARGV[3]  window in milliseconds
-- ARGV[4]  quota, -1 for none                 ARGV[5]  milliseconds until the quota's counter may be forgotten
-- ARGV[6]  what the quota's counter starts from when it is absent, -1 for "not known"
--
-- Returns {outcome, rate spent, window's milliseconds left, quota spent}. Outcomes:
--   0  spent      1  over the rate limit      2  over the quota
--   3  the quota's counter is absent and ARGV[6] was -1: nothing was spent, call again with a start
local cost = tonumber(ARGV[1])
local rate_limit, window_ms = tonumber(ARGV[2]), tonumber(ARGV[3])
local quota, quota_ttl_ms, quota_start = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])

local rate_spent, window_left_ms, quota_spent = 0, window_ms, 0

if quota >= 0 then
  local stored = redis.call('GET', KEYS[2])
  if not stored and quota_start < 0 then return {3, 0, 0, 0} end
  quota_spent = tonumber(stored or quota_start)
end

if rate_limit >= 0 then
  rate_spent = tonumber(redis.call('GET', KEYS[1]) or 0)
  if rate_spent > 0 then window_left_ms = redis.call('PTTL', KEYS[1]) end
  if rate_spent + cost > rate_limit then return {1, rate_spent, window_left_ms, quota_spent} end
end

if quota >= 0 then
  if quota_spent + cost > quota then return {2, rate_spent, window_left_ms, quota_spent} end
  quota_spent = quota_spent + cost
  redis.call('SET', KEYS[2], quota_spent, 'PX', quota_ttl_ms)
end

if rate_limit >= 0 and cost > 0 then
  rate_spent = redis.call('INCRBY', KEYS[1], cost)
  if rate_spent == cost then redis.call('PEXPIRE', KEYS[1], window_ms) end
end

return {0, rate_spent, window_left_ms, quota_spent}
