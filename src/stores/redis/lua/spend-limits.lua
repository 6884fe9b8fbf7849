-- Spends the cost of a call from a key's rate limit and quota, or from neither: a refusal spends
-- nothing.
-- A window begins with the first call in it and ends by its key's expiry.
-- The caller also brings what it knows better than Redis: counters that Redis lost, and calls that
-- were let in while Redis was away. Both are written first, whatever becomes of the call itself.
-- A counter that this script cannot have written is removed and counts as absent, and a window that
-- never ends, or ends too late, ends one window from now: others may be able to write to Redis.
--
-- KEYS[1]  cost spent in the rate window      KEYS[2]  cost spent in the quota period
-- ARGV[1]  cost
-- ARGV[2]  rate limit, -1 for none            ARGV[3]  window in milliseconds
-- ARGV[4]  cost to add to the window: let in while Redis was away
-- ARGV[5]  what the window's counter starts from when it is absent
-- ARGV[6]  milliseconds that are left of the window of ARGV[4] and ARGV[5]
-- ARGV[7]  quota, -1 for none     ARGV[8]  milliseconds until its counter may be forgotten
-- ARGV[9]  what was spent in the period at least: the counter is raised to it
-- ARGV[10] 1: ARGV[9] is enough for an absent counter to start from
--
-- Returns {outcome, rate spent, window's milliseconds left, quota spent}. Outcomes:
--   0  spent      1  over the rate limit      2  over the quota
--   3  the quota's counter is absent and ARGV[10] was not 1: nothing was spent or written
local cost = tonumber(ARGV[1])
local rate_limit, window_ms = tonumber(ARGV[2]), tonumber(ARGV[3])
local rate_owed, rate_start, rate_left_ms = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local quota, quota_ttl_ms, quota_least = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])

local function read(key)
  local stored = redis.pcall('GET', key)
  if not stored then return nil end
  if type(stored) == 'string' and #stored <= 16 and string.find(stored, '^%d+$') then return tonumber(stored) end
  redis.call('DEL', key)
  return nil
end

local rate_spent, window_left_ms, quota_spent = 0, window_ms, 0

if quota >= 0 then
  local stored = read(KEYS[2])
  if not stored and ARGV[10] ~= '1' then return {3, 0, 0, 0} end
  quota_spent = stored or 0
  if not stored or quota_spent < quota_least then
    quota_spent = quota_least
    redis.call('SET', KEYS[2], ARGV[9], 'PX', quota_ttl_ms)
  end
end

if rate_limit >= 0 then
  local stored = read(KEYS[1])
  if not stored and rate_start + rate_owed > 0 then
    redis.call('SET', KEYS[1], rate_start + rate_owed, 'PX', rate_left_ms)
    stored = rate_start + rate_owed
  elseif rate_owed > 0 then
    stored = redis.call('INCRBY', KEYS[1], rate_owed)
  end
  rate_spent = stored or 0
  if rate_spent > 0 then
    local left_ms = redis.call('PTTL', KEYS[1])
    if left_ms >= 0 and left_ms <= window_ms then
      window_left_ms = left_ms
    else
      redis.call('PEXPIRE', KEYS[1], window_ms)
    end
  end
  if cost > 0 and rate_spent + cost > rate_limit then return {1, rate_spent, window_left_ms, quota_spent} end
end

if quota >= 0 and cost > 0 then
  if quota_spent + cost > quota then return {2, rate_spent, window_left_ms, quota_spent} end
  quota_spent = redis.call('INCRBY', KEYS[2], cost)
end

if rate_limit >= 0 and cost > 0 then
  rate_spent = redis.call('INCRBY', KEYS[1], cost)
  if rate_spent == cost then redis.call('PEXPIRE', KEYS[1], window_ms) end
end

return {0, rate_spent, window_left_ms, quota_spent}
