-- Everything that becomes of one request of intake: is the sender's knowledge of the project still right, is the event
-- new, is the key's quota used up, which outcome follows; and it is counted, all of it or nothing.
--
-- KEYS  1 state, 2 index, 3 running totals, 4 claim, 5 quota, then for each series its rings, one a rollup, finest first
-- ARGV  1 the caller's clock (s), 2 the version of the project that the caller knows,
--       3 claim's life (s), 4 the outcome if no quota refuses it, 5 quota (-1: none), 6 its window (s),
--       7 how many series count that outcome, 8 how many count the refusal instead; the rest count in any case;
--       then the series as count_series reads them
-- Returns the outcome, of the first time where the event came before, or 'stale'

if redis.call('GET', KEYS[1]) ~= ARGV[2] then
    return 'stale'
end

-- The quota is asked before the first write: a script that ends with an error takes nothing back.
local quota = tonumber(ARGV[5])
local outcome = ARGV[4]
if quota >= 0 and tonumber(redis.call('GET', KEYS[5]) or 0) >= quota then
    outcome = 'rate_limited'
end
if not redis.call('SET', KEYS[4], outcome, 'NX', 'EX', ARGV[3]) then
    return redis.call('GET', KEYS[4])
end
if quota >= 0 and outcome ~= 'rate_limited' and redis.call('INCR', KEYS[5]) == 1 then
    redis.call('EXPIRE', KEYS[5], ARGV[6])
end

local now = math.min(tonumber(ARGV[1]), limit)
local at, ring = 9, 6
local function pass(number)
    for _ = 1, number do
        at, ring = at + 2 + 2 * tonumber(ARGV[at + 1]), ring + #ROLLUPS
    end
end
local function count(number)
    for _ = 1, number do
        at, ring = count_series(at, ring, now)
    end
end
local refused = outcome == 'rate_limited'
if refused then pass(ARGV[7]) else count(ARGV[7]) end
if refused then count(ARGV[8]) else pass(ARGV[8]) end
while ARGV[at] do
    at, ring = count_series(at, ring, now)
end
return outcome
