-- The end of a move: its ring was added to the destination. What another move took meanwhile stays.
--
-- KEYS  1 index, 2 the ring that arrived (moving), then for each rollup: ring, moving
-- ARGV  1 the token of the move, 2 the series' name

if redis.call('HGET', KEYS[2], 'token') == ARGV[1] then
    redis.call('DEL', KEYS[2])
end
for i = 3, #KEYS do
    if redis.call('EXISTS', KEYS[i]) == 1 then
        return
    end
end
redis.call('SREM', KEYS[1], ARGV[2])
