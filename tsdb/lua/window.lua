-- Reads a window of many rings. For a short window this is much less than the whole rings. It writes nothing.
--
-- KEYS  values that are wanted whole, then rings
-- ARGV  1 how many are wanted whole, 2 and 3 the first and the last byte of one stretch of each ring, 4 and 5 of another
-- Returns for each key its value, or for a ring its newest bucket and the stretches in one string; nil if there is none

local call, whole, found = redis.call, tonumber(ARGV[1]), {}
local first, last, second, final = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local wraps = tonumber(second) <= tonumber(final)
for i = 1, whole do
    found[i] = call('GET', KEYS[i])
end
for i = whole + 1, #KEYS do
    local key = KEYS[i]
    local newest = call('GETRANGE', key, 0, WIDTH - 1)
    if newest == '' then
        found[i] = false
    elseif wraps then
        found[i] = newest .. call('GETRANGE', key, first, last) .. call('GETRANGE', key, second, final)
    else
        found[i] = newest .. call('GETRANGE', key, first, last)
    end
end
return found
