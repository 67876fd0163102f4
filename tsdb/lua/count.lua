-- Counts increments of one project into every rollup that still retains them: all of them or none.
--
-- KEYS  1 state, 2 index, 3 running totals, 4 claim, then for each series its rings, one a rollup, finest first
-- ARGV  1 the caller's clock (s), 2 the value of the claim ('' = no claim), 3 how long the claim lasts (s), 4 the most
--       series of a project (0: no limit), then for each series: name, number of increments k, and k times: timestamp (s),
--       amount
-- Returns 'new'; 'closed' (the project may not be counted into, or has other rings); 'repeat' or 'conflict' (see claim); or
-- the numbers of the facts that there is no room for. Then nothing was counted, and they must be counted elsewhere

if not is_open(redis.call('GET', KEYS[1])) then
    return 'closed'
end
-- This comes before the first write, because a script cannot take back what it wrote.
local crowded = without_room(tonumber(ARGV[4]), 5, 0, 0)
if crowded then
    return crowded
end
if ARGV[2] ~= '' then
    local verdict = claim(KEYS[4], ARGV[2], ARGV[3])
    if verdict ~= 'new' then
        return verdict
    end
end

local now = math.min(tonumber(ARGV[1]), limit)
local at, ring = 5, 5
while ARGV[at] do
    at, ring = count_series(at, ring, now)
end
return 'new'
