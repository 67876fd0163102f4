-- The first half of a move: puts each ring of a series into a hash, where it is no longer counted into, with the token of
-- the move and the destination. A ring that an interrupted move left there keeps its token and its destination, so that it
-- is added once, and there. The index keeps the series' name until all rings have arrived (drop.lua), so that an
-- interrupted move can be found.
--
-- KEYS  1 state, 2 index, then for each rollup: ring, moving ring
-- ARGV  1 the token of this move, 2 the series' name, 3 the destination, 4 the state in which this may be done ('' = any
--       state in which rings may be moved)
-- Returns for each rollup {token, ring, destination}, or {} if there is nothing to move; or 'closed', because the project's
-- keys may be being deleted, and the scan could miss a new key

local state = redis.call('GET', KEYS[1])
if not may_move(state) or (ARGV[4] ~= '' and state ~= ARGV[4]) then
    return 'closed'
end
local taken, nothing = {}, true
for i = 3, #KEYS, 2 do
    local ring, moving = KEYS[i], KEYS[i + 1]
    local raw = redis.call('GET', ring)
    if raw and redis.call('EXISTS', moving) == 0 then
        redis.call('HSET', moving, 'token', ARGV[1], 'ring', raw, 'destination', ARGV[3])
        redis.call('DEL', ring)
    end
    local found = redis.call('HMGET', moving, 'token', 'ring', 'destination')
    taken[#taken + 1] = found[1] and found or {}
    nothing = nothing and not found[1]
end
if nothing then
    redis.call('SREM', KEYS[2], ARGV[2])
end
return taken
