-- The end of a move: deletes the ring that was added to its destination. A ring that another move took meanwhile stays.
-- Takes the series out of the index if it has no rings left.
--
-- KEYS  1 index, 2 where the moving ring was kept, then for each rollup: ring, moving ring
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
