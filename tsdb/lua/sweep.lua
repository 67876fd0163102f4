-- Deletes keys of a project while its tombstone stands. Whoever else finishes the same deletion may have come to its
-- end, and the project may be counted into again: those keys stay.
--
-- KEYS  1 state, then the keys to delete
-- Returns how many went

local phase = string.match(redis.call('GET', KEYS[1]) or '', '^%a+')
if phase ~= 'emptying' and phase ~= 'deleting' then
    return 0
end
local gone = 0
for first = 2, #KEYS, 4000 do  -- Lua unpacks some 8000 arguments at most
    gone = gone + redis.call('UNLINK', unpack(KEYS, first, math.min(first + 3999, #KEYS)))
end
return gone
