-- Decides and counts all that one request of intake brings: checks whether the caller knows the present version of the
-- project, whether the event is new, and whether the key's quota is used up. Then it counts all of it or nothing.
--
-- Two things are remembered. The id of an event that was counted: if the event is sent again, the answer is the same, and
-- nothing is counted. The token of a submission whose event has no id or was refused: a second try after a lost answer gets
-- the same answer. A refusal is not remembered under the event's id, so the event can be sent again.
--
-- KEYS  1 state, 2 index, 3 running totals, 4 claim of the submission, 5 claim of the event (4 again if it has no id),
--       6 quota, then for each series its rings, one a rollup, finest first
-- ARGV  1 the caller's clock (s), 2 the version of the project that the caller knows, 3 how long the submission's claim
--       lasts (s), 4 how long the event's claim lasts (s), 5 the outcome if no quota refuses the event, 6 quota (-1: none),
--       7 its window (s), 8 how many series count that outcome, 9 how many count the refusal instead (the rest count in any
--       case), 10 the most series of a project (0: no limit), then the series as count_series reads them
-- Returns the outcome, the first one if the event or the submission came before; or 'stale'; or the numbers of the facts
-- that there is no room for. Then nothing was counted, and they must be counted elsewhere

if redis.call('GET', KEYS[1]) ~= ARGV[2] then
    return 'stale'
end
local before = redis.call('GET', KEYS[4])
if not before then
    before = redis.call('GET', KEYS[5])
    -- An earlier version remembered a refusal under the event's id too.
    before = before ~= 'rate_limited' and before
end
if before then
    return before
end

-- Quota and room are checked before the first write, because a script that fails cannot take back what it wrote.
local quota = tonumber(ARGV[6])
local refused = quota >= 0 and tonumber(redis.call('GET', KEYS[6]) or 0) >= quota
local of_event, of_refusal = tonumber(ARGV[8]), tonumber(ARGV[9])
local crowded = without_room(
    tonumber(ARGV[10]), 11, refused and 1 or of_event + 1, refused and of_event or of_event + of_refusal
)
if crowded then
    return crowded
end
local outcome
if refused then
    outcome = 'rate_limited'
    redis.call('SET', KEYS[4], outcome, 'EX', ARGV[3])
else
    outcome = ARGV[5]
    redis.call('SET', KEYS[5], outcome, 'EX', ARGV[4])
    if quota >= 0 and redis.call('INCR', KEYS[6]) == 1 then
        redis.call('EXPIRE', KEYS[6], ARGV[7])
    end
end

local now = math.min(tonumber(ARGV[1]), limit)
local at, ring = 11, 7
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
if refused then pass(of_event) else count(of_event) end
if refused then count(of_refusal) else pass(of_refusal) end
while ARGV[at] do
    at, ring = count_series(at, ring, now)
end
return outcome
