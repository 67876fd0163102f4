-- Deletes keys of a project while its tombstone stands. Another process may have finished the same deletion, and the project
-- may be counted into again. Then its keys stay.
--
-- KEYS  1 state, then the keys to delete
-- Returns how many were deleted

local phase = string.match(redis.call('GET', KEYS[1]) or '', '^%a+')
if phase ~= 'emptying' and phase ~= 'deleting' then
    return 0
end
local gone = 0
for first = 2, #KEYS, MOST_ARGUMENTS do
    gone = gone + redis.call('UNLINK', unpack(KEYS, first, math.min(first + MOST_ARGUMENTS - 1, #KEYS)))
end
return gone
