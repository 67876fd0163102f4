-- Reads what is used of budgets. It writes nothing.
--
-- KEYS  the states of projects, then for each budget the ring that it is read from
-- ARGV  1 the number of projects, then three for each budget: the number of the ring's rollup, the start and the end of
--       the open window (s)
-- Returns the states (nil: none), then for each budget what is used, in digits

local used_between = budget_functions()
local projects, found = tonumber(ARGV[1]), {}
for i = 1, projects do
    found[i] = call('GET', KEYS[i])
end
for i = projects + 1, #KEYS do
    local at = 3 * (i - projects) - 1
    found[i] = string.format('%.0f', used_between(KEYS[i], ROLLUPS[tonumber(ARGV[at])], ARGV[at + 1], ARGV[at + 2]))
end
return found
