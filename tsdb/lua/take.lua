-- The first half of a move: takes a series' rings out of counting, each into a hash that says which move it is.
-- A ring that an interrupted move left there keeps its token, so that it is added to the destination once.
--
-- KEYS  for each rollup: ring, moving
-- ARGV  1 the token of this move
-- Returns for each rollup {token, ring}, or {} where there is nothing to move

local taken = {}
for i = 1, #KEYS, 2 do
    local ring, moving = KEYS[i], KEYS[i + 1]
    if redis.call('EXISTS', moving) == 0 then
        local raw = redis.call('GET', ring)
        if raw then
            redis.call('HSET', moving, 'token', ARGV[1], 'ring', raw)
            redis.call('DEL', ring)
        end
    end
    local found = redis.call('HMGET', moving, 'token', 'ring')
    taken[#taken + 1] = found[1] and found or {}
end
return taken
