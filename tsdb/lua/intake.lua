-- Everything that becomes of one request of intake: is the sender's knowledge of the project still right, is the event
-- new, is the key's quota used up, which outcome follows; and it is counted, all of it or nothing.
--
-- Two things are remembered. An event that was counted, by its id: whoever sends it again is answered the same, and
-- nothing is counted. A submission, by a token of its own, where its event has no id or was refused: the second try of a
-- lost answer is answered the same. A refusal is not remembered by the event's id, so the event can be sent again.
--
-- KEYS  1 state, 2 index, 3 running totals, 4 claim of the submission, 5 claim of the event (4 again: it has no id),
--       6 quota, then for each series its rings, one a rollup, finest first
-- ARGV  1 the caller's clock (s), 2 the version of the project that the caller knows, 3 life of the submission's claim
--       (s), 4 of the event's (s), 5 the outcome if no quota refuses it, 6 quota (-1: none), 7 its window (s),
--       8 how many series count that outcome, 9 how many count the refusal instead; the rest count in any case;
--       10 the most series of a project (0: no limit), then the series as count_series reads them
-- Returns the outcome, of the first time where the event or the submission came before; or 'stale'; or the numbers of the
-- facts that there is no room for: nothing was counted, and they must be counted elsewhere

if redis.call('GET', KEYS[1]) ~= ARGV[2] then
    return 'stale'
end
local before = redis.call('GET', KEYS[4])
if not before then
    before = redis.call('GET', KEYS[5])
    -- The version before this remembered a refusal by the event's id, too.
    before = before ~= 'rate_limited' and before
end
if before then
    return before
end

-- The quota and the room are asked before the first write: a script that ends with an error takes nothing back.
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
