-- The first half of a move: takes a series' rings out of counting, each into a hash that says which move it is.
-- A ring that an interrupted move left there keeps its token, so that it is added to the destination once.
--
-- KEYS  1 state, 2 index, then for each rollup: ring, moving
-- ARGV  1 the token of this move, 2 the series' name
-- Returns for each rollup {token, ring}, or {} where there is nothing to move; or 'closed': the project's keys may be
-- being deleted, and a new one could escape the scan

if redis.call('EXISTS', KEYS[1]) == 0 then
    return 'closed'
end
local taken, left = {}, false
for i = 3, #KEYS, 2 do
    local ring, moving = KEYS[i], KEYS[i + 1]
    local raw = redis.call('GET', ring)
    if raw and redis.call('EXISTS', moving) == 0 then
        redis.call('HSET', moving, 'token', ARGV[1], 'ring', raw)
        redis.call('DEL', ring)
    elseif raw then
        left = true
    end
    local found = redis.call('HMGET', moving, 'token', 'ring')
    taken[#taken + 1] = found[1] and found or {}
end
if not left then
    redis.call('SREM', KEYS[2], ARGV[2])
end
return taken
